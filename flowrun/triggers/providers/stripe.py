"""Stripe: events of payments, customers and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, kind, text, whole


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """By the event's `type`, such as `payment_intent.succeeded`."""
    thing = at(body, "data", "object")
    customer = text(at(thing, "customer")) or text(at(thing, "customer", "id"))
    if customer is None and at(thing, "object") == "customer":
        customer = text(at(thing, "id"))
    data: JsonObject = {
        "event_id": text(at(body, "id")),
        "object_id": text(at(thing, "id")),
        "object_type": text(at(thing, "object")),
        "status": text(at(thing, "status")),
        "amount": whole(at(thing, "amount")),
        "currency": text(at(thing, "currency")),
        "timestamp": text(at(body, "created")),
        "live": at(body, "livemode") is True,
    }
    return ProviderEvent(kind(at(body, "type")), customer, data, text(at(body, "id")))
