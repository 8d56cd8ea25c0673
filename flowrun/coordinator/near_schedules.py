"""The schedules that are due soon, and the queued times, in memory: read anew from time to time and after changes."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping, select

from flowrun.errors import FlowrunError, InvalidInputError
from flowrun.persistence import tables as t
from flowrun.ports import Clock, Graphs, Reader
from flowrun.triggers.schedules.policy import Decision
from flowrun.triggers.schedules.stored import Schedule, schedule_from

_log = logging.getLogger(__name__)

HORIZON_MS = 10_000
"""Schedules due within it are held in memory; the next window is read when half of it has passed."""
_WINDOW = 5_000
"""Schedules held in memory at most; the window is shorter when more are due."""
_LONGEST_WAIT = 1.0
"""Seconds; a clock that was set is noticed within it."""


class NearSchedules:
    """What the ticker looks at. Reading goes on beside firing, so that nothing that is due waits for it."""

    def __init__(
        self,
        clock: Clock,
        reader: Reader,
        graphs: Graphs,
        is_busy: Callable[[str], bool],
        wake: Callable[[], None],
    ) -> None:
        """Wire it up: `is_busy` says of a schedule that the ticker works on it, `wake` lets the ticker look again."""
        self._clock = clock
        self._reader = reader
        self._graphs = graphs
        self._is_busy = is_busy
        self._wake = wake
        self.queued: dict[str, tuple[Schedule, int]] = {}
        """The times that wait for an execution's end, by schedule."""
        self._near: dict[str, Schedule] = {}
        self._heap: list[tuple[int, str]] = []
        """When to look at a schedule in `_near`, and its id; an entry may be stale."""
        self._fired: dict[str, Schedule] = {}
        """What was moved on since the reading began: its row may have been read before."""
        self._loaded_until = 0
        self._full = False
        """More is due in the window than is held."""
        self._stale = True
        self._unreadable: set[str] = set()
        """The schedules of which it was told that they cannot be read."""
        self._reading: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None

    def outdated(self) -> None:
        """Rows have changed: read them anew."""
        self._stale = True
        self._wake()

    def keep_fresh(self) -> None:
        """Begin to read the next window when it is time."""
        if self._reading is None and (self._stale or not self._is_fresh(self._clock.now())):
            self._reading = asyncio.get_running_loop().create_task(self._read())

    def close(self) -> None:
        """Stop reading."""
        for task in (self._reading, self._preparing):
            if task is not None:
                task.cancel()

    def pop_due(self, now: int) -> Schedule | None:
        """A schedule that is due, no longer held then."""
        while self._heap and self._heap[0][0] <= now:
            schedule = self._near.pop(heapq.heappop(self._heap)[1], None)
            if schedule is not None:
                return schedule
        return None

    def drop(self, schedule_id: str) -> None:
        """Hold a schedule no longer."""
        self._near.pop(schedule_id, None)

    def hold(self, schedule: Schedule, look_at: int | None = None) -> None:
        """Hold a schedule as it is after a commit, when it is due within the window; `look_at` (ms) when to look."""
        self._fired[schedule.id] = schedule
        if schedule.next_at is None or schedule.next_at > self._loaded_until:
            return
        self._near[schedule.id] = schedule
        heapq.heappush(self._heap, (schedule.next_at if look_at is None else look_at, schedule.id))
        if self._heap[0][1] == schedule.id:
            self._wake()

    def seconds_to_next(self) -> float:
        """How long the ticker may sleep."""
        if not self._heap:
            return _LONGEST_WAIT
        return min(max(self._heap[0][0] - self._clock.now(), 0) / 1000, _LONGEST_WAIT)

    def _is_fresh(self, now: int) -> bool:
        if self._loaded_until > now + HORIZON_MS:
            return False  # The clock was put back.
        return bool(self._near) if self._full else self._loaded_until >= now + HORIZON_MS // 2

    async def _read(self) -> None:
        self._stale, self._fired = False, {}
        table, tenant, fires = t.schedules, t.tenants, t.schedule_fires
        until = self._clock.now() + HORIZON_MS
        due = select(table).join(tenant, (tenant.c.id == table.c.tenant_id) & (tenant.c.status == "active"))
        due = due.where(table.c.next_at <= until).order_by(table.c.next_at).limit(_WINDOW)
        waiting = select(table, fires.c.scheduled_at).join(fires, fires.c.schedule_id == table.c.id)
        waiting = waiting.where(fires.c.decision == Decision.QUEUED.value)
        try:
            rows, queued = await self._reader.all(due), await self._reader.all(waiting)
            self._take(rows, queued, until)
        except Exception:  # noqa: BLE001 - time must go on when one reading has failed
            _log.exception("The schedules cannot be read; trying again")
            self._stale = True
        else:
            self._wake()
        finally:
            self._reading = None

    def _take(self, rows: Sequence[RowMapping], queued: Sequence[RowMapping], until: int) -> None:
        """Hold what was read, except where memory knows better."""
        near = [one for row in rows if (one := self._from(row)) is not None]
        self._near = {schedule.id: schedule for schedule in near}
        self._heap = [(schedule.next_at or 0, schedule.id) for schedule in near]
        self._full = len(rows) == _WINDOW
        self._loaded_until = rows[-1]["next_at"] if self._full else until
        waiting = {row["id"]: (one, row["scheduled_at"]) for row in queued if (one := self._from(row)) is not None}
        self.queued = {key: one for key, one in self.queued.items() if self._known(key)} | waiting
        for schedule in list(self._fired.values()):
            if not self._is_busy(schedule.id):
                self.hold(schedule)
        if self._preparing is not None:
            self._preparing.cancel()
        self._preparing = asyncio.get_running_loop().create_task(self._prepare(near))

    def _from(self, row: RowMapping) -> Schedule | None:
        """The schedule, unless memory knows better, or it cannot be read: others come due all the same."""
        if self._known(row["id"]):
            return None
        try:
            return schedule_from(row)
        except InvalidInputError as error:
            if row["id"] not in self._unreadable:
                self._unreadable.add(row["id"])
                _log.error("The schedule %s of %s doesn't fire: it %s", row["id"], row["workflow_id"], error)
            return None

    def _known(self, schedule_id: str) -> bool:
        return schedule_id in self._fired or self._is_busy(schedule_id)

    async def _prepare(self, schedules: list[Schedule]) -> None:
        """Let the workflows that will start soon be in memory by then."""
        for key in dict.fromkeys((one.tenant_id, one.workflow_id) for one in schedules):
            try:
                await self._graphs.get(*key)
            except FlowrunError as error:
                _log.debug("The workflow %s of %s cannot be read: %s", *reversed(key), error)
