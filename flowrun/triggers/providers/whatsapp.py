"""WhatsApp (Cloud API): messages, and the states of messages that were sent."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, dicts, first_of, joined, kind, text

_MEDIA = ("image", "video", "audio", "document", "sticker")
_PIECES = (("messages", "from"), ("statuses", "recipient_id"))
"""What a change may bring several of, and where each says which customer it is of."""


def parts(body: JsonObject) -> list[JsonObject]:
    """The delivery of each message, state or other change by itself, in the order in which they stand there."""
    return [
        {**body, "entry": [{**entry, "changes": [{**change, "value": value}]}]}
        for entry in dicts(body.get("entry"))
        for change in dicts(entry.get("changes"))
        for value in _values(change.get("value"))
    ]


def _values(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, dict):
        return [value]
    pieces = [(name, who, one) for name, who in _PIECES for one in dicts(value.get(name))]
    if len(pieces) <= 1:
        return [value]
    contacts, found = _contacts(value), list[JsonValue]()
    rest: JsonObject = {name: one for name, one in value.items() if name not in {"messages", "statuses", "contacts"}}
    for name, who, piece in pieces:
        known = contacts.get(text(piece.get(who)))
        found.append({**rest, **({} if known is None else {"contacts": [known]}), name: [piece]})
    return found


def _contacts(value: JsonValue) -> dict[str | None, JsonObject]:
    """The contacts by number. Where all messages are of one sender, the first is theirs, however it is written."""
    contacts = dicts(at(value, "contacts"))
    known = {text(one.get("wa_id")): one for one in reversed(contacts)}
    senders = {text(one.get("from")) for one in dicts(at(value, "messages"))}
    if len(senders) == 1 and contacts:
        return {**dict.fromkeys(senders, contacts[0]), **known}
    known.pop(None, None)
    return known


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """The message or state of a delivery; of several the first message, with the others as `data.others`."""
    changes = [change for entry in dicts(at(body, "entry")) for change in dicts(at(entry, "changes"))]
    found = [event for change in changes for event in _events(at(change, "value"))]
    if not found:
        return ProviderEvent(kind(at(changes[0], "field")) if changes else "unknown")
    return first_of(found)


def _events(value: JsonValue) -> list[ProviderEvent]:
    number = text(at(value, "metadata", "phone_number_id"))
    contacts = _contacts(value)
    messages = [_message(message, contacts, number) for message in dicts(at(value, "messages"))]
    return messages + [_state(state, number) for state in dicts(at(value, "statuses"))]


def _message(message: JsonObject, contacts: Mapping[str | None, JsonObject], number: str | None) -> ProviderEvent:
    sender, message_type = text(message.get("from")), kind(message.get("type"))
    data: JsonObject = {
        "message_id": text(message.get("id")),
        "message_type": message_type,
        "text": _text(message, message_type),
        "timestamp": text(message.get("timestamp")),
        "sender_id": sender,
        "recipient_id": number,
    }
    name = text(at(contacts.get(sender), "profile", "name"))
    if name is not None:
        data["sender_name"] = name
    media = message.get(message_type) if message_type in _MEDIA else None
    if isinstance(media, dict):
        data["media_id"], data["mime_type"] = text(media.get("id")), text(media.get("mime_type"))
    replied = text(at(message, "context", "id"))
    if replied is not None:
        data["reply_to"] = replied
    return ProviderEvent("message", sender, data, text(message.get("id")))


def _text(message: JsonObject, message_type: str) -> str | None:
    """What the sender wrote or chose, or the caption of what was sent."""
    places: Mapping[str, tuple[str, ...]] = {
        "text": ("text", "body"),
        "button": ("button", "text"),
        "reaction": ("reaction", "emoji"),
        "interactive": ("interactive", kind(at(message, "interactive", "type")), "title"),
    }
    return text(at(message, *places.get(message_type, (message_type, "caption"))))


def _state(state: JsonObject, number: str | None) -> ProviderEvent:
    recipient = text(state.get("recipient_id"))
    data: JsonObject = {
        "message_id": text(state.get("id")),
        "status": text(state.get("status")),
        "timestamp": text(state.get("timestamp")),
        "sender_id": number,
        "recipient_id": recipient,
    }
    errors = dicts(state.get("errors"))
    if errors:
        data["errors"] = list(errors)
    return ProviderEvent("status", recipient, data, joined(state.get("id"), state.get("status")))
