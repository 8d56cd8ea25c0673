"""The deadline of an attempt: kept by the injected clock, whatever the node makes of its cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.manual_clock import ManualClock
from support.watched_attempts import WatchedAttempts

from flowrun.domain.node_type import Cancelled, Completed, Failed
from flowrun.domain.turn import Job
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.params import ParamsModel
from flowrun.workers.attempts import LONG, OVERDUE

pytestmark = pytest.mark.anyio
TIMEOUT = 5.0


class Doing(WorkerNodeType):
    """A node that does what the test gives it."""

    name, worker = "doing", "webhook"

    class Params(ParamsModel):
        """None."""

    def __init__(self, what: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._what = what

    async def run(self, job, services):  # noqa: ARG002
        """Do it."""
        if isinstance(self._what, HeldUp):
            with job.held_up():
                await self._what.turn.wait()
        return Completed(await self._what())


class HeldUp:
    """Waits for its turn, and then for ever."""

    def __init__(self) -> None:
        self.turn = asyncio.Event()

    async def __call__(self):
        await for_ever()


class Jumping(ManualClock):
    """A clock that somebody sets while time passes evenly."""

    jumped = 0

    def now(self):
        """Milliseconds since the epoch, as set."""
        return super().now() + self.jumped


class Worker(WatchedAttempts):
    """Runs a node of one kind."""

    def __init__(self, what: Callable[[], Awaitable[object]]) -> None:
        super().__init__({"doing": Doing(what)}, Jumping())

    async def after(self, seconds):
        """Let time pass; gives the names of the results by then."""
        self.clock.advance(seconds)
        await turns()
        return [outcome.type if isinstance(outcome, Failed) else type(outcome) for outcome in self.results]


async def turns():
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(what: Callable[[], Awaitable[object]], timeout: float = TIMEOUT) -> AsyncIterator[Worker]:
    worker = Worker(what)
    watching = asyncio.create_task(worker.attempts.watch())
    await turns()
    job = Job("x", "n", "", 1, 1, 0, "acme", "w", "doing", "webhook", {}, None, timeout, False, 0)
    worker.task = asyncio.create_task(worker.attempts.run(job))
    worker.key = job.key
    await turns()
    try:
        yield worker
    finally:
        for task in (worker.task, watching):
            task.cancel()
        await asyncio.gather(worker.task, watching, return_exceptions=True)


async def for_ever():
    await asyncio.Event().wait()


async def test_an_attempt_ends_at_its_deadline_and_not_before():
    async with running(for_ever) as worker:
        assert await worker.after(TIMEOUT - 0.001) == []
        assert await worker.after(0.001) == ["timeout"]
        assert worker.task.done()
        assert not worker.task.cancelled()


async def test_a_deadline_sooner_than_the_next_look_is_kept_too():
    async with running(for_ever, timeout=LONG / 4) as worker:
        assert await worker.after(LONG / 4) == ["timeout"]


async def test_a_lasting_attempt_is_announced_once():
    async with running(for_ever) as worker:
        began = worker.clock.now()
        for _ in range(5):
            await worker.after(LONG)
        assert worker.starts == [began]


async def test_waiting_for_a_turn_takes_nothing_of_an_attempts_time():
    held_up = HeldUp()
    async with running(held_up) as worker:
        assert await worker.after(10 * TIMEOUT) == []
        assert worker.starts == []
        began = worker.clock.now()
        held_up.turn.set()
        await turns()
        assert await worker.after(TIMEOUT - 0.001) == []
        assert await worker.after(0.001) == ["timeout"]
        assert worker.starts == [began]


@pytest.mark.parametrize("hours", [1, -1])
async def test_setting_the_clock_neither_hastens_nor_delays_a_deadline(hours):
    async with running(for_ever) as worker:
        worker.clock.jumped = hours * 3_600_000
        assert await worker.after(TIMEOUT - 0.001) == []
        assert await worker.after(0.001) == ["timeout"]


async def test_a_node_that_ignores_its_cancellation_is_given_up():
    async def stubborn():
        while True:
            try:
                await for_ever()
            except asyncio.CancelledError:
                if done.is_set():
                    raise

    done = asyncio.Event()
    async with running(stubborn) as worker:
        by_then = [await worker.after(seconds) for seconds in (TIMEOUT, OVERDUE, 60)]
        done.set()
    assert by_then == [[], ["timeout"], ["timeout"]]


async def test_a_node_that_has_its_result_at_the_last_moment_keeps_it():
    async def just_done():
        try:
            await for_ever()
        except asyncio.CancelledError:
            return "saved"

    async with running(just_done) as worker:
        assert await worker.after(TIMEOUT) == [Completed]
        assert worker.task.cancelling() == 0


async def test_the_nodes_own_timeout_is_told_from_the_attempts():
    async def own():
        raise TimeoutError

    async with running(own) as worker:
        assert await worker.after(0) == ["TimeoutError"]


async def test_an_attempt_that_is_stopped_at_its_deadline_is_stopped():
    async with running(for_ever) as worker:
        worker.clock.advance(TIMEOUT)
        worker.attempts.stop(worker.key)
        worker.task.cancel()
        assert await worker.after(0) == [Cancelled]
