"""A sender that is none of the known providers."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, kind, text


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """By the type that many bodies name. `data` stays empty: `trigger.body` says it all, and is stored once."""
    if not isinstance(body, dict):
        return ProviderEvent()
    named = text(body.get("event_type")) or text(body.get("type")) or text(body.get("event"))
    customer = text(body.get("customer_id")) or text(at(body, "customer", "id"))
    return ProviderEvent(kind(named), customer)
