"""Places that tenants take in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flowrun.nodes.fair_slots import FairSlots


class Runs:
    """Runs of tenants that last until they are told to end."""

    def __init__(self, count: int) -> None:
        self._slots = FairSlots(count)
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.begun: list[str] = []
        self.held_up: set[str] = set()

    async def add(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._run(name))
            await settled()

    async def _run(self, name: str) -> None:
        @contextmanager
        def held_up() -> Iterator[None]:
            self.held_up.add(name)
            yield
            self.held_up.discard(name)

        async with self._slots.place(name[0], held_up):
            self.begun.append(name)
            await self._ends[name].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await settled()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks[name]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_tenant_has_every_place_and_each_has_its_turn() -> None:
    runs = Runs(3)
    await runs.add("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert (runs.begun, runs.held_up) == (["a1", "a2", "b1"], {"a3", "a4", "b2", "c1"})
    await runs.end("a1")
    assert runs.begun[3:] == ["c1"], "the last place is for one that has none"
    await runs.end("b1", "c1", "a2")
    assert runs.begun[4:] == ["b2", "a3"]
    await runs.end("b2")
    assert runs.begun[6:] == ["a4"]
    await runs.end("a3", "a4")


async def test_one_that_is_cancelled_leaves_its_place_and_its_turn() -> None:
    runs = Runs(2)
    await runs.add("a1", "a2", "b1", "b2")
    await runs.cancel("a2")
    await runs.cancel("a1")
    assert runs.begun == ["a1", "b1"]
    await runs.end("b1")
    assert runs.begun[2:] == ["b2"]
    await runs.add("a3")
    assert runs.begun[3:] == ["a3"]
    await runs.end("b2", "a3")
    await runs.add("a4", "b4")
    assert runs.begun[4:] == ["a4", "b4"]
    await runs.end("a4", "b4")
