"""The numbered events of an execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, time
from flowrun.queries.get_execution import execution_row

_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHistory(Query[JsonObject]):
    """The events after number `after_seq`; `{items, next}`, `next` being the last number when there are more."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str
    after_seq: int = 0
    limit: int = 200

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit, _MOST)


async def handle(query: GetHistory, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    await execution_row(context, query.tenant_id, query.execution_id)
    items, more = await read_events(context, query.execution_id, query.after_seq, query.limit)
    return {"items": list(items), "next": items[-1]["seq"] if more else None}


async def read_events(context: Context, execution_id: str, after_seq: int, limit: int) -> tuple[list[JsonObject], bool]:
    """A page of events as documents, and whether there are more; it isn't asked whose they are."""
    table = t.execution_events
    rows = await context.reader.all(
        select(table)
        .where(table.c.execution_id == execution_id, table.c.seq > after_seq)
        .order_by(table.c.seq)
        .limit(limit + 1)
    )
    items: list[JsonObject] = [
        {
            "seq": row["seq"],
            "at": time(row["at"]),
            "type": row["type"],
            "node_id": row["node_id"],
            "iteration": row["iteration"],
            "data": load(row["data"]) or {},
        }
        for row in rows[:limit]
    ]
    return items, len(rows) > limit
