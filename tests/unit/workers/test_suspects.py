from __future__ import annotations

import asyncio

import pytest

from flowrun.workers import suspects
from flowrun.workers.suspects import Suspects

pytestmark = pytest.mark.anyio


async def test_suspects_begin_one_at_a_time_in_the_order_of_their_coming():
    turns, log = Suspects(), []

    async def one(name):
        async with turns.alone():
            log.append(f"{name} begins")
            await asyncio.sleep(0)
            log.append(f"{name} ends")

    await asyncio.gather(one("a"), one("b"))
    assert log == ["a begins", "a ends", "b begins", "b ends"]


async def test_one_that_lasts_lets_the_next_begin_and_its_end_lets_no_third(monkeypatch):
    monkeypatch.setattr(suspects, "ALONE_SECONDS", 0.01)
    turns, first_ends = Suspects(), asyncio.Event()

    async def first():
        async with turns.alone():
            await first_ends.wait()

    async def second():
        async with turns.alone():
            first_ends.set()
            await running
            assert turns._turn.locked()

    running = asyncio.create_task(first())
    await asyncio.sleep(0)
    monkeypatch.setattr(suspects, "ALONE_SECONDS", 100)
    await asyncio.gather(running, second())
    assert not turns._turn.locked()


async def test_one_that_is_cancelled_while_it_waits_takes_no_turn():
    turns = Suspects()
    async with turns.alone():
        waiting = asyncio.create_task(turns.alone().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5), turns.alone():
        pass
