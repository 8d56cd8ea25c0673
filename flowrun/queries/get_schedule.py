"""One schedule, with what runs of it at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import time
from flowrun.queries.schedule_document import schedule_document, schedule_row
from flowrun.triggers.schedules.policy import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSchedule(Query[JsonObject]):
    """One schedule, and the time that waits for a running execution's end (`queued_at`)."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    schedule_id: str


async def handle(query: GetSchedule, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    row = await schedule_row(context, query.tenant_id, query.schedule_id)
    fires = t.schedule_fires
    queued = select(fires.c.scheduled_at).where(
        fires.c.schedule_id == query.schedule_id, fires.c.decision == Decision.QUEUED.value
    )
    waiting = await context.reader.first(queued)
    return {**schedule_document(row), "queued_at": time(waiting["scheduled_at"] if waiting else None)}
