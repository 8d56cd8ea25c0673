"""Slack: the Events API, slash commands and interactions."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, joined, kind, text


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """An event by its own type (`message`, `app_mention`, …), `command`, or the type of the interaction."""
    if at(body, "command") is not None:
        return _command(body)
    if isinstance(at(body, "payload"), str):
        return _interaction(str(at(body, "payload")))
    event = at(body, "event")
    if not isinstance(event, dict):
        return ProviderEvent(kind(at(body, "type")), key=text(at(body, "event_id")))
    user = text(event.get("user")) or text(at(event, "user", "id"))
    data: JsonObject = {
        "message_id": text(event.get("client_msg_id")) or text(event.get("ts")),
        "message_type": text(event.get("subtype")) or "text",
        "text": text(event.get("text")),
        "timestamp": text(event.get("ts")) or text(event.get("event_ts")),
        "sender_id": user,
        "recipient_id": text(event.get("channel")) or text(at(event, "item", "channel")),
        "thread_id": text(event.get("thread_ts")),
        "team_id": text(at(body, "team_id")),
    }
    return ProviderEvent(kind(event.get("type")), user, data, text(at(body, "event_id")))


def _command(body: JsonValue) -> ProviderEvent:
    user = text(at(body, "user_id"))
    data: JsonObject = {
        "command": text(at(body, "command")),
        "text": text(at(body, "text")),
        "sender_id": user,
        "recipient_id": text(at(body, "channel_id")),
        "response_url": text(at(body, "response_url")),
        "team_id": text(at(body, "team_id")),
    }
    return ProviderEvent("command", user, data, text(at(body, "trigger_id")))


def _interaction(payload: str) -> ProviderEvent:
    try:
        found: JsonValue = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ProviderEvent()
    user = text(at(found, "user", "id"))
    data: JsonObject = {
        "action_id": text(at(found, "actions", 0, "action_id")) or text(at(found, "callback_id")),
        "value": text(at(found, "actions", 0, "value")),
        "sender_id": user,
        "recipient_id": text(at(found, "channel", "id")),
        "response_url": text(at(found, "response_url")),
        "team_id": text(at(found, "team", "id")),
    }
    return ProviderEvent(kind(at(found, "type")), user, data, joined(at(found, "trigger_id")))
