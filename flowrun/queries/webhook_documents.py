"""A webhook and its deliveries as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from flowrun.channels import CHANNEL_TYPES
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.queries.documents import time


def webhooks_with_latest() -> Select[Any]:
    """The rows of webhooks, each with the type of its channel, and the time of its latest delivery.

    That is one step in the log's own order.
    """
    events, table, channels = t.webhook_events, t.webhooks, t.channels
    mine = (channels.c.tenant_id == table.c.tenant_id, channels.c.name == table.c.channel)
    kind = select(channels.c.type).where(*mine).scalar_subquery()
    latest = select(events.c.received_at).where(events.c.webhook_id == table.c.id)
    latest = latest.order_by(events.c.id.desc()).limit(1)
    return select(table, kind.label("channel_type"), latest.scalar_subquery().label("latest_at"))


def webhook_document(row: Mapping[Any, Any]) -> JsonObject:
    """A webhook as the API shows it."""
    config = load(row["config"])
    auth = config.get("auth")
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "node_id": row["node_id"],
        "name": row["name"],
        "provider": config.get("provider") or _provider(row["channel_type"]) or row["provider"],
        "status": row["status"],
        "methods": config.get("methods"),
        "path": config.get("path"),
        "url": f"/webhooks/{row['tenant_id']}/{config.get('path')}",
        "auth": auth.get("type") if isinstance(auth, dict) else auth,
        "channel": row["channel"],
        "response_mode": config.get("response_mode"),
        "rate_limit": config.get("rate_limit"),
        "last_triggered_at": time(row["latest_at"]),
    }


def _provider(channel_type: str | None) -> str | None:
    """Who calls, as the type of a webhook's channel says."""
    kind = CHANNEL_TYPES.get(channel_type or "")
    return None if kind is None else kind.provider


def delivery_document(row: Mapping[Any, Any]) -> JsonObject:
    """An entry of the delivery log as the API shows it."""
    return {
        "id": row["id"],
        "webhook_id": row["webhook_id"],
        "channel_id": row["channel_id"],
        "outcome": row["outcome"],
        "event_type": row["event_type"],
        "reason": row["reason"],
        "execution_id": row["execution_id"],
        "idempotency_key": row["dedupe_key"],
        "received_at": time(row["received_at"]),
    }
