"""What became of the requests to a webhook, newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, read_cursor
from flowrun.queries.webhook_documents import delivery_document


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeliveries(Query[JsonObject]):
    """A page of the delivery log of one webhook; `{items, next}`, `next` None on the last one."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    webhook_id: str
    outcome: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListDeliveries, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown webhook, `InvalidInputError` for a foreign cursor."""
    table = t.webhook_events
    # A webhook whose node is gone has its log all the same.
    mine = (table.c.webhook_id == query.webhook_id, table.c.tenant_id == query.tenant_id)
    statement = select(table).where(*mine)
    if query.outcome:
        statement = statement.where(table.c.outcome.in_(query.outcome))
    if query.cursor is not None:
        statement = statement.where(table.c.id < read_cursor(query.cursor))
    rows = await context.reader.all(statement.order_by(table.c.id.desc()).limit(query.limit + 1))
    if not rows:
        await _require_webhook(query, context)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [delivery_document(row) for row in shown],
        "next": cursor_after(shown[-1]["id"]) if more else None,
    }


async def _require_webhook(query: ListDeliveries, context: Context) -> None:
    for table, column in ((t.webhooks, t.webhooks.c.id), (t.webhook_events, t.webhook_events.c.webhook_id)):
        known = select(column).where(column == query.webhook_id, table.c.tenant_id == query.tenant_id)
        if await context.reader.first(known.limit(1)) is not None:
            return
    raise NotFoundError(f"The tenant {query.tenant_id} has no webhook {query.webhook_id}")
