"""The workflows of a tenant by id, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import or_, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, tenant_page, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWorkflows(Query[JsonObject]):
    """A page of workflows without their nodes; `{items, next}`. `q` is a part of the id or the name."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    status: WorkflowStatus | None = None
    q: str | None = None
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListWorkflows, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    table = t.workflows
    columns = (
        table.c.id,
        table.c.name,
        table.c.description,
        table.c.version,
        table.c.tags,
        table.c.status,
        table.c.created_at,
        table.c.updated_at,
    )
    statement = select(*columns).where(table.c.tenant_id == query.tenant_id)
    if query.status is not None:
        statement = statement.where(table.c.status == query.status.value)
    if query.q:
        part = (column.contains(query.q, autoescape=True) for column in (table.c.id, table.c.name))
        statement = statement.where(or_(*part))
    return await tenant_page(context, query, statement, table.c.id, _summary)


def _summary(row: Mapping[Any, Any]) -> JsonObject:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "version": row["version"],
        "tags": load(row["tags"]),
        "status": row["status"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }
