"""Telegram bots: updates."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, text

_MESSAGES = ("message", "edited_message", "channel_post", "edited_channel_post", "business_message")
_CONTENT = ("text", "photo", "video", "audio", "voice", "document", "sticker", "location", "contact", "animation")


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """An update by the name of its content, such as `message` or `callback_query`."""
    key = text(at(body, "update_id"))
    content = [name for name in body if name != "update_id"] if isinstance(body, dict) else []
    event_type = content[0][:100] if content and key is not None else "unknown"
    update = at(body, event_type)
    message = update if event_type in _MESSAGES else at(update, "message")
    sender = text(at(update, "from", "id")) or text(at(message, "chat", "id"))
    if not isinstance(update, dict):
        return ProviderEvent(event_type, key=key)
    data: JsonObject = {
        "message_id": text(at(message, "message_id")),
        "message_type": next((name for name in _CONTENT if at(message, name) is not None), "unknown"),
        "text": text(update.get("data")) or text(at(message, "text")) or text(at(message, "caption")),
        "timestamp": text(at(message, "date")),
        "sender_id": sender,
        "recipient_id": text(at(message, "chat", "id")),
    }
    return ProviderEvent(event_type, sender, data, key)
