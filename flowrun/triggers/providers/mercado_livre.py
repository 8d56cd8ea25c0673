"""Mercado Livre and Mercado Pago: notifications, which say where to look rather than what happened."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers.event import ProviderEvent, at, kind, text


def normalise(body: JsonValue, _headers: Mapping[str, str]) -> ProviderEvent:
    """By `topic` (orders_v2, questions, messages, …) or, of Mercado Pago, by `type` (payment, …)."""
    resource = text(at(body, "resource"))
    user = text(at(body, "user_id"))
    data: JsonObject = {
        "resource": resource,
        "resource_id": resource.rstrip("/").rpartition("/")[2] if resource else text(at(body, "data", "id")),
        "action": text(at(body, "action")),
        "application_id": text(at(body, "application_id")),
        "user_id": user,
        "timestamp": text(at(body, "sent")) or text(at(body, "date_created")),
    }
    event_type = kind(text(at(body, "topic")) or at(body, "type"))
    return ProviderEvent(event_type, user, data, text(at(body, "_id")) or text(at(body, "id")))
