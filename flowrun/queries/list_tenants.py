"""All tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Table, func, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, read_cursor, time

_LIVE = [status.value for status in ExecutionStatus if status not in FINAL_EXECUTION]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTenants(Query[JsonObject]):
    """A page of tenants by id; `{items, next}`, each with `counts` of what it has."""

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
    counts = await _counts(context, [row["id"] for row in shown])
    items = [
        {
            "id": row["id"],
            "name": row["name"],
            "status": row["status"],
            "created_at": time(row["created_at"]),
            "limits": load(row["limits"]),
            "counts": {name: found.get(row["id"], 0) for name, found in counts.items()},
        }
        for row in shown
    ]
    return {"items": list(items), "next": cursor_after(shown[-1]["id"]) if len(rows) > query.limit else None}


async def _counts(context: Context, tenant_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """By what is counted: the number for each tenant that has any."""
    now = context.clock.now()
    expires = t.api_keys.c.expires_at
    what: dict[str, tuple[Table, tuple[ColumnElement[bool], ...]]] = {
        "workflows": (t.workflows, ()),
        "executions_live": (t.executions, (t.executions.c.status.in_(_LIVE),)),  # As an index begins.
        "keys": (t.api_keys, (t.api_keys.c.revoked_at.is_(None), expires.is_(None) | (expires > now))),
        "secrets": (t.secrets, ()),
    }
    counts: dict[str, dict[str, int]] = {}
    for name, (table, conditions) in what.items():
        query = select(table.c.tenant_id, func.count().label("count"))
        query = query.where(table.c.tenant_id.in_(tenant_ids), *conditions).group_by(table.c.tenant_id)
        counts[name] = {row["tenant_id"]: row["count"] for row in await context.reader.all(query)}
    return counts
