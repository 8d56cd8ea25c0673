"""Which executions that a schedule started have not ended: what the overlap policies ask."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from sqlalchemy import select

from flowrun.domain.execution import Execution
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Reader

_SCHEDULE = "schedule"


class ScheduledRuns:
    """Unfinished executions by schedule, kept by what is committed. A rerun counts like the execution it repeats."""

    def __init__(self, ended: Callable[[str], None]) -> None:
        self._ended = ended
        """Told of a schedule's id when its last execution has ended."""
        self._running: dict[str, set[str]] = {}

    async def load(self, reader: Reader) -> None:
        """Read what earlier processes left unfinished. Goes before anything that could end an execution."""
        execution, event = t.executions, t.execution_events
        first = (event.c.execution_id == execution.c.id) & (event.c.seq == 1)
        live = execution.c.finished_at.is_(None)  # As the partial index says.
        query = select(execution.c.id, event.c.data).join(event, first)
        for row in await reader.all(query.where(live, execution.c.trigger_type == _SCHEDULE)):
            schedule_id = _schedule_of(orjson.loads(row["data"])["trigger"])
            if schedule_id is not None:
                self._running.setdefault(schedule_id, set()).add(row["id"])

    def of(self, schedule_id: str) -> tuple[str, ...]:
        """The unfinished executions of a schedule."""
        return tuple(self._running.get(schedule_id, ()))

    def committed(self, execution: Execution) -> None:
        """Take note of an execution's state; called after each commit."""
        if execution.trigger.get("type") != _SCHEDULE:
            return
        schedule_id = _schedule_of(execution.trigger)
        if schedule_id is None:
            return
        if not execution.final:
            self._running.setdefault(schedule_id, set()).add(execution.id)
            return
        running = self._running.get(schedule_id, set())
        running.discard(execution.id)
        if not running:
            self._running.pop(schedule_id, None)
            self._ended(schedule_id)


def _schedule_of(trigger: JsonObject) -> str | None:
    schedule = trigger.get("schedule")
    return str(schedule["id"]) if isinstance(schedule, dict) and "id" in schedule else None
