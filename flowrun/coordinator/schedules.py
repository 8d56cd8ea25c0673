"""The ticker: lets schedules fire when they are due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from functools import partial

from flowrun.bus import Command
from flowrun.commands.fire_schedule import FireSchedule, StartQueued
from flowrun.commands.schedule_fires import ScheduleMovedError
from flowrun.coordinator.near_schedules import NearSchedules
from flowrun.coordinator.scheduled_runs import ScheduledRuns
from flowrun.domain.execution import Execution
from flowrun.errors import FlowrunError
from flowrun.ports import Clock, Graphs, Reader
from flowrun.triggers.schedules.policy import STARTS, Decision, Fire, Plan, decide_fires
from flowrun.triggers.schedules.stored import Schedule

_log = logging.getLogger(__name__)

_AT_ONCE = 500
"""Schedules that fire at the same time: enough for the writer to commit them in groups."""
_LONGEST_WAIT = 1.0
"""Seconds; a clock that was set is noticed within it."""
_RETRY_AFTER_MS = 1_000
"""How long after a failed commit a schedule is tried again."""

Send = Callable[[Command[None]], Awaitable[None]]


class Scheduler:
    """Decides over each schedule once for every time it comes due, and sees queued times started."""

    def __init__(self, clock: Clock, reader: Reader, graphs: Graphs, send: Send) -> None:
        self._clock = clock
        self._reader = reader
        self._send = send
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        """The schedules that are being worked on."""
        self._runs = ScheduledRuns(self._has_ended)
        self._near = NearSchedules(clock, reader, graphs, self._busy.__contains__, self._wake.set)
        self._changes = 0

    async def load(self) -> None:
        """Learn what runs; goes before anything that could end an execution."""
        await self._runs.load(self._reader)

    def changed(self) -> None:
        """See `flowrun.ports.Schedules`."""
        self._changes += 1
        self._near.outdated()

    def committed(self, execution: Execution) -> None:
        """Take note of a commit of the engine."""
        self._runs.committed(execution)

    async def run(self) -> None:
        """Fire what comes due, until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._near.keep_fresh()
                self._start_queued_times()
                self._fire_due()
                # With as many at work as may be, the first to be done wakes the ticker.
                seconds = self._near.seconds_to_next() if len(self._busy) < _AT_ONCE else _LONGEST_WAIT
                await self._clock.wait(self._wake, seconds)
        finally:
            self._near.close()
            for task in self._busy.values():
                task.cancel()

    def _start_queued_times(self) -> None:
        queued = self._near.queued
        for schedule_id in [one for one in queued if one not in self._busy and not self._runs.of(one)]:
            schedule, scheduled_at = queued.pop(schedule_id)
            self._near.drop(schedule_id)
            self._begin(schedule, self._start_queued(schedule, scheduled_at))

    def _fire_due(self) -> None:
        now = self._clock.now()
        while len(self._busy) < _AT_ONCE and (schedule := self._near.pop_due(now)) is not None:
            self._begin(schedule, self._fire(schedule))

    def _begin(self, schedule: Schedule, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._busy[schedule.id] = task
        task.add_done_callback(lambda _task: self._done(schedule.id))

    def _done(self, schedule_id: str) -> None:
        if len(self._busy) >= _AT_ONCE:
            self._wake.set()
        del self._busy[schedule_id]

    def _has_ended(self, schedule_id: str) -> None:
        if schedule_id in self._near.queued:
            self._wake.set()

    async def _fire(self, schedule: Schedule) -> None:
        """Decide over what is due, and let it take effect step by step."""
        changes = self._changes
        try:
            for fires, next_at in _steps(await self._plan(schedule)):
                replaces = fires[-1].decision is Decision.CANCELLED_PREVIOUS
                cancel = self._runs.of(schedule.id) if replaces else ()
                await self._send(FireSchedule(schedule=schedule, fires=fires, next_at=next_at, cancel=cancel))
                schedule = replace(schedule, next_at=next_at)
                self._note_queued(schedule, fires)
        except ScheduleMovedError:
            self._near.outdated()
            return
        except FlowrunError as error:
            _log.warning("The schedule %s will be tried again: %s", schedule.id, error)
            self._near.hold(schedule, self._clock.now() + _RETRY_AFTER_MS)
        except Exception:  # noqa: BLE001 - whatever it was, the time must not be lost
            _log.exception("The schedule %s will be tried again", schedule.id)
            self._near.hold(schedule, self._clock.now() + _RETRY_AFTER_MS)
        else:
            self._near.hold(schedule)
        if changes != self._changes:
            self._near.outdated()  # What was read meanwhile left it out, and it may be another by now.

    async def _plan(self, schedule: Schedule) -> Plan:
        now, due_at = self._clock.now(), schedule.next_at or 0
        running, queued = bool(self._runs.of(schedule.id)), schedule.id in self._near.queued
        decide = partial(decide_fires, schedule.timing, schedule.policy, due_at, now, running=running, queued=queued)
        if now - due_at <= schedule.policy.grace:
            return decide()
        # Looking through what a long stop has missed may take a while, in which others come due.
        return await asyncio.to_thread(decide)

    def _note_queued(self, schedule: Schedule, fires: Sequence[Fire]) -> None:
        for fire in fires:
            if fire.decision is Decision.QUEUED:
                self._near.queued[schedule.id] = (schedule, fire.scheduled_at)
                self._wake.set()

    async def _start_queued(self, schedule: Schedule, scheduled_at: int) -> None:
        try:
            await self._send(StartQueued(schedule=schedule, scheduled_at=scheduled_at))
        except ScheduleMovedError:
            _log.debug("The time that waited for the schedule %s was dropped", schedule.id)
        except Exception as error:  # noqa: BLE001 - whatever it was, the time must not be lost
            _log.warning("The queued time of the schedule %s will be tried again: %s", schedule.id, error)
            await self._clock.wait(asyncio.Event(), _RETRY_AFTER_MS / 1000)
        self._near.outdated()  # The schedule itself may have come due, or have been changed, meanwhile.


def _steps(plan: Plan) -> Iterator[tuple[tuple[Fire, ...], int | None]]:
    """The plan cut after each start: the times of one transaction, and when the schedule comes due after them."""
    step: list[Fire] = []
    for place, fire in enumerate(plan.fires):
        step.append(fire)
        if fire.decision in STARTS:
            rest = plan.fires[place + 1 :]
            yield tuple(step), rest[0].scheduled_at if rest else plan.next_at
            step = []
    if step:
        yield tuple(step), plan.next_at
