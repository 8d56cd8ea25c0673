"""How timers are let go when very many are due at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from support.manual_clock import ManualClock

from flowrun.coordinator.timers import DueTimer, Timers
from flowrun.domain.facts import TimerKind
from flowrun.domain.turn import Timer

CROWD = 1_000


class Empty:
    """A database without timers."""

    async def all(self, _query: Executable, _params: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        return []

    async def first(self, _query: Executable, _params: Mapping[str, Any] | None = None) -> RowMapping | None:
        return None


class Held:
    """Effects that take until they are let go."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.free = asyncio.Event()
        self.at_once = self.most = 0

    async def fire(self, timer: DueTimer) -> None:
        self.began.append(timer.execution_id)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.free.wait()
        self.at_once -= 1


async def settled() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_of_many_overdue_timers_some_at_a_time_take_effect_the_longest_due_first() -> None:
    clock, held = ManualClock(), Held()
    timers = Timers(clock, Empty(), held.fire)
    running = asyncio.create_task(timers.run())
    await settled()
    for number in range(CROWD):
        timers.set(f"e{number}", [Timer(TimerKind.DELAY, clock.now() + 1 + number)])
    clock.advance(CROWD / 1000)
    await settled()
    assert 0 < len(held.began) < CROWD / 2
    held.free.set()
    await settled()
    assert held.began == [f"e{number}" for number in range(CROWD)]
    assert held.most < CROWD / 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
