"""All tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, load, read_cursor, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTenants(Query[JsonObject]):
    """A page of tenants by id; `{items, next}`."""

    scope: ClassVar[Scope] = Scope.READ
    operator_only: ClassVar[bool] = True
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListTenants, context: Context, _principal: Principal) -> JsonObject:
    """Raises `InvalidInputError` for a foreign cursor."""
    table = t.tenants
    statement = select(table).order_by(table.c.id).limit(query.limit + 1)
    if query.cursor is not None:
        statement = statement.where(table.c.id > read_cursor(query.cursor))
    rows = await context.reader.all(statement)
    shown = rows[: query.limit]
    items = [
        {
            "id": row["id"],
            "name": row["name"],
            "status": row["status"],
            "created_at": time(row["created_at"]),
            "limits": load(row["limits"]),
        }
        for row in shown
    ]
    return {"items": list(items), "next": cursor_after(shown[-1]["id"]) if len(rows) > query.limit else None}
