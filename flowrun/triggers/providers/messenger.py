"""The Messenger platform, which Instagram and Facebook pages share: messages, and changes to what is followed."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, dicts, first_of, joined, kind, text

_KINDS = ("postback", "reaction", "read", "delivery", "referral", "optin")


def parts_of_messenger(body: JsonObject) -> list[JsonObject]:
    """The delivery of each message or change by itself, in the order in which they stand there."""
    found: list[JsonObject] = []
    for entry in dicts(body.get("entry")):
        rest: JsonObject = {name: one for name, one in entry.items() if name not in {"messaging", "changes"}}
        for name in ("messaging", "changes"):
            found += [{**body, "entry": [{**rest, name: [one]}]} for one in dicts(entry.get(name))]
    return found


def normalise_messenger(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """The message or change of a delivery; of several the first message, with the others as `data.others`."""
    found: list[ProviderEvent] = []
    for entry in dicts(at(body, "entry")):
        found += [_message(one) for one in dicts(entry.get("messaging"))]
        found += [_change(one) for one in dicts(entry.get("changes"))]
    return first_of(found) if found else ProviderEvent()


def _message(one: JsonObject) -> ProviderEvent:
    sender = text(at(one, "sender", "id"))
    data: JsonObject = {
        "message_id": text(at(one, "message", "mid")),
        "message_type": "text",
        "text": text(at(one, "message", "text")),
        "timestamp": text(one.get("timestamp")),
        "sender_id": sender,
        "recipient_id": text(at(one, "recipient", "id")),
    }
    if isinstance(one.get("message"), dict):
        attachments = dicts(at(one, "message", "attachments"))
        if attachments:
            data["message_type"] = kind(attachments[0].get("type"))
            data["attachments"] = list(attachments)
        event_type = "message_echo" if at(one, "message", "is_echo") is True else "message"
        return ProviderEvent(event_type, sender, data, text(data["message_id"]))
    event_type = next((name for name in _KINDS if isinstance(one.get(name), dict)), "unknown")
    data["message_type"] = event_type
    data["message_id"] = text(at(one, event_type, "mid"))
    data["text"] = text(at(one, event_type, "title")) or text(at(one, event_type, "emoji"))
    if event_type == "postback":
        data["payload"] = text(at(one, "postback", "payload"))
    key = joined(event_type, sender, data["recipient_id"], data["timestamp"])
    return ProviderEvent(event_type, sender, data, key)


def _change(one: JsonObject) -> ProviderEvent:
    value = one.get("value")
    sender = text(at(value, "from", "id"))
    data: JsonObject = {
        "message_id": text(at(value, "id")) or text(at(value, "comment_id")) or text(at(value, "post_id")),
        "text": text(at(value, "text")) or text(at(value, "message")),
        "timestamp": text(at(value, "created_time")),
        "sender_id": sender,
        "verb": text(at(value, "verb")),
        "item": text(at(value, "item")),
    }
    key = joined(one.get("field"), data["message_id"], data["verb"] or "-", data["timestamp"] or "-")
    return ProviderEvent(kind(one.get("field")), sender, data, key)
