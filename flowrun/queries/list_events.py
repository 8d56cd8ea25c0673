"""The events that were sent to a tenant or emitted in it, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, read_cursor, require_tenant, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEvents(Query[JsonObject]):
    """A page of events, newest first; `{items, next}`. `since` is ms since the epoch."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    type: str | None = None
    outcome: str | None = None
    since: int | None = None
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListEvents, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant, `InvalidInputError` for a foreign cursor."""
    table = t.events
    statement = select(table).where(table.c.tenant_id == query.tenant_id)
    if query.type is not None:
        statement = statement.where(table.c.type == query.type)
    if query.outcome is not None:
        statement = statement.where(table.c.outcome == query.outcome)
    if query.since is not None:
        statement = statement.where(table.c.received_at >= query.since)
    if query.cursor is not None:
        statement = statement.where(table.c.id < read_cursor(query.cursor))
    rows = await context.reader.all(statement.order_by(table.c.id.desc()).limit(query.limit + 1))
    if not rows:
        await require_tenant(context, query.tenant_id)
    shown = rows[: query.limit]
    deliveries = await _deliveries(context, [row["id"] for row in shown])
    items = [_document(row, deliveries.get(row["id"], [])) for row in shown]
    return {"items": list(items), "next": cursor_after(shown[-1]["id"]) if len(rows) > query.limit else None}


async def _deliveries(context: Context, event_ids: Sequence[str]) -> dict[str, list[JsonObject]]:
    table = t.event_deliveries
    found: dict[str, list[JsonObject]] = {}
    for row in await context.reader.all(select(table).where(table.c.event_id.in_(event_ids))):
        names = ("workflow_id", "node_id", "outcome", "execution_id", "reason")
        found.setdefault(row["event_id"], []).append({name: row[name] for name in names})
    return found


def _document(row: Mapping[Any, Any], deliveries: Sequence[JsonObject]) -> JsonObject:
    attributes: JsonObject = load(row["attributes"])
    return {
        "id": row["id"],
        "event_id": row["event_id"],
        "source": row["source"],
        "type": row["type"],
        "subject": attributes.get("subject"),
        "time": attributes.get("time"),
        "attributes": attributes,
        "emitted_by": row["emitted_by"],
        "outcome": row["outcome"],
        "filtered": row["filtered"],
        "deliveries": list(deliveries),
        "received_at": time(row["received_at"]),
    }
