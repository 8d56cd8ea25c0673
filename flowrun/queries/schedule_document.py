"""A schedule as it is shown: its times in words, and the next five."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import time
from flowrun.triggers.schedules.describe import describe
from flowrun.triggers.schedules.stored import Schedule, schedule_from
from flowrun.triggers.schedules.timing import next_times

_NEXT = 5
_SHOWN = ("cron", "every", "at", "timezone", "misfire", "max_n", "grace", "overlap", "map", "description")


async def schedule_row(context: Context, tenant_id: str, schedule_id: str) -> Mapping[Any, Any]:
    """The row of a schedule; raises `NotFoundError`, for a foreign tenant's too."""
    table = t.schedules
    query = select(table).where(table.c.id == schedule_id, table.c.tenant_id == tenant_id)
    row = await context.reader.first(query)
    if row is None:
        raise NotFoundError(f"The tenant {tenant_id} has no schedule {schedule_id}")
    return row


def schedule_document(row: Mapping[Any, Any]) -> JsonObject:
    """What is shown of a schedule. `next_times` is empty unless it is active."""
    config = load(row["config"])
    try:
        when, upcoming = describe(config), _upcoming(schedule_from(row))
    except InvalidInputError as error:
        when, upcoming = str(error), []
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "node_id": row["node_id"],
        "name": row["name"],
        "status": row["status"],
        "when": when,
        **{name: config.get(name) for name in _SHOWN},
        "next_at": time(row["next_at"]),
        "next_times": [rfc3339(at) for at in upcoming],
        "last_at": time(row["last_at"]),
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }


def _upcoming(schedule: Schedule) -> list[int]:
    if schedule.next_at is None:
        return []
    return [schedule.next_at, *next_times(schedule.timing, schedule.next_at, _NEXT - 1)]
