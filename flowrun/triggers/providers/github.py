"""GitHub: what happened in a repository or organisation."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, kind, text, whole


def normalise(body: JsonValue, headers: Mapping[str, str]) -> ProviderEvent:
    """By `X-GitHub-Event`, such as `push`, `pull_request` or `ping`."""
    sender = text(at(body, "sender", "login"))
    data: JsonObject = {
        "action": text(at(body, "action")),
        "repository": text(at(body, "repository", "full_name")),
        "organization": text(at(body, "organization", "login")),
        "ref": text(at(body, "ref")),
        "number": whole(at(body, "number")),
        "sender_id": sender,
    }
    delivery = text(headers.get("x-github-delivery"))
    return ProviderEvent(kind(headers.get("x-github-event")), sender, data, delivery)
