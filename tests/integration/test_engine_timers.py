"""Timers on a clock that the test moves: when they fire, and that none is lost when firing fails."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.manual_clock import ManualClock

from flowrun.coordinator.timers import DueTimer, Timers
from flowrun.domain.facts import TimerKind
from flowrun.domain.turn import Timer
from flowrun.errors import InvalidInputError, NotFoundError, UnavailableError

pytestmark = pytest.mark.anyio


class Stored:
    """The table of timers: rows with every column."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, execution_id: str, due_at: int) -> None:
        self.rows.append(
            {"execution_id": execution_id, "node_id": "w", "iteration": "", "kind": "delay", "due_at": due_at}
        )

    async def all(self, query):
        low, high = sorted(query.compile().params.values())
        return [row for row in self.rows if low < row["due_at"] <= high]


class Fired:
    """Notes what fires, after raising the errors that the test wants."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.errors: list[Exception] = []
        self.calls = 0

    async def __call__(self, timer: DueTimer) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        self.ids.append(timer.execution_id)


@asynccontextmanager
async def running(clock: ManualClock, stored: Stored, fired: Fired):
    timers = Timers(clock, stored, fired)
    task = asyncio.create_task(timers.run())
    await turns()
    yield timers
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def turns() -> None:
    """Let everything that is ready run; nothing here waits for anything but the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


async def passing(clock: ManualClock, seconds: float) -> None:
    clock.advance(seconds)
    await turns()


async def test_timers_fire_in_the_order_of_their_times_and_not_before():
    clock, fired = ManualClock(), Fired()
    async with running(clock, Stored(), fired) as timers:
        for name, seconds in (("late", 3), ("soon", 1), ("next", 2)):
            timers.set(name, [Timer(TimerKind.DELAY, clock.now() + seconds * 1000, "w")])
        await passing(clock, 0.999)
        assert fired.ids == []
        await passing(clock, 0.001)
        assert fired.ids == ["soon"]
        await passing(clock, 5)
        assert fired.ids == ["soon", "next", "late"]


async def test_timer_that_was_cleared_or_set_anew_does_not_fire_at_its_old_time():
    clock, fired = ManualClock(), Fired()
    async with running(clock, Stored(), fired) as timers:
        timers.set("gone", [Timer(TimerKind.DELAY, clock.now() + 1000, "w")])
        timers.set("moved", [Timer(TimerKind.DELAY, clock.now() + 1000, "w")])
        timers.clear("gone", [(TimerKind.DELAY, "w", "")])
        timers.set("moved", [Timer(TimerKind.DELAY, clock.now() + 9000, "w")])
        await passing(clock, 2)
        assert fired.ids == []
        await passing(clock, 8)
        assert fired.ids == ["moved"]


class Held(Fired):
    """Takes effect only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def __call__(self, timer: DueTimer) -> None:
        await super().__call__(timer)
        await self.go_on.wait()


@pytest.mark.parametrize(("cleared", "times"), [(False, 2), (True, 1)])
async def test_timer_set_anew_while_it_takes_effect_fires_afterwards_unless_it_was_cleared(cleared, times):
    clock, fired = ManualClock(), Held()
    async with running(clock, Stored(), fired) as timers:
        for _ in range(2):
            timers.set("x", [Timer(TimerKind.CALL, clock.now(), "w")])
            await turns()
        assert fired.calls == 1
        if cleared:
            timers.clear("x", [(TimerKind.CALL, "w", "")])
        fired.go_on.set()
        await turns()
        assert fired.calls == times


async def test_far_timers_are_read_from_the_table_when_they_come_near():
    clock, stored, fired = ManualClock(), Stored(), Fired()
    async with running(clock, stored, fired) as timers:
        for name, seconds in (("hour", 3600), ("day", 86_400)):
            due_at = clock.now() + seconds * 1000
            stored.add(name, due_at)
            timers.set(name, [Timer(TimerKind.DELAY, due_at, "w")])
        await passing(clock, 3599)
        assert fired.ids == []
        await passing(clock, 1)
        assert fired.ids == ["hour"]
        await passing(clock, 90_000)
        assert fired.ids == ["hour", "day"]


@pytest.mark.parametrize("error", [UnavailableError("disk full"), RuntimeError("a bug, or a busy reader")])
async def test_timer_whose_firing_failed_fires_again(error):
    clock, fired = ManualClock(), Fired()
    fired.errors = [error, error]
    async with running(clock, Stored(), fired) as timers:
        timers.set("x", [Timer(TimerKind.DELAY, clock.now(), "w")])
        await turns()
        assert fired.calls == 1
        await passing(clock, 1)
        assert (fired.calls, fired.ids) == (2, [])
        await passing(clock, 1)
        assert fired.ids == ["x"]


async def test_timer_of_a_workflow_that_cannot_be_used_fires_again_a_minute_later():
    clock, fired = ManualClock(), Fired()
    fired.errors = [InvalidInputError("Unknown node type 'slugify'")]
    async with running(clock, Stored(), fired) as timers:
        timers.set("x", [Timer(TimerKind.DELAY, clock.now(), "w")])
        await turns()
        await passing(clock, 59)
        assert (fired.calls, fired.ids) == (1, [])
        await passing(clock, 1)
        assert fired.ids == ["x"]


async def test_timer_of_an_execution_that_is_gone_is_dropped():
    clock, fired = ManualClock(), Fired()
    fired.errors = [NotFoundError("deleted")]
    async with running(clock, Stored(), fired) as timers:
        timers.set("x", [Timer(TimerKind.DELAY, clock.now(), "w")])
        await turns()
        await passing(clock, 100)
        assert fired.calls == 1
