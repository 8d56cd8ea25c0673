"""The schedules of a tenant by id, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, tenant_page
from flowrun.queries.schedule_document import schedule_document
from flowrun.triggers.schedules.stored import ScheduleStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSchedules(Query[JsonObject]):
    """A page of schedules; `{items, next}`, `next` None on the last one."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str | None = None
    status: ScheduleStatus | None = None
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListSchedules, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant, `InvalidInputError` for a foreign cursor."""
    table = t.schedules
    statement = select(table).where(table.c.tenant_id == query.tenant_id)
    if query.workflow_id is not None:
        statement = statement.where(table.c.workflow_id == query.workflow_id)
    if query.status is not None:
        statement = statement.where(table.c.status == query.status.value)
    return await tenant_page(context, query, statement, table.c.id, schedule_document)
