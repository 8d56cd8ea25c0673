"""The job queue of the embedded mode: a local taskiq broker for each worker."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from flowrun.domain.turn import Job
from flowrun.queue.local_broker import LocalBroker

Run = Callable[[Job], Awaitable[None]]
"""Runs one job to its end, result recorded."""
_log = logging.getLogger(__name__)

for _name in ("taskiq", "taskiq.receiver.receiver"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class _WorkerQueue:
    """One worker's broker, and the feeder that kicks its tasks."""

    def __init__(self, name: str, limit: int, run: Run, done: Callable[[Job], None]) -> None:
        self.broker = LocalBroker(name, limit, self._run_node)
        self._claims: dict[str, Job] = {}
        """Jobs that have been put and not begun, by task id: a message carries the id and no payload."""
        self._outbox: deque[str] = deque()
        self._wake = asyncio.Event()
        self._run = run
        self._done = done

    async def _run_node(self, task_id: str) -> None:
        job = self._claims.pop(task_id, None)
        if job is None:
            return  # It was taken back in the meantime.
        try:
            await self._run(job)
        except asyncio.CancelledError:
            # Only a shutdown cancels what wasn't stopped by the engine.
            _log.debug("%s runs again at the next start", task_id)
        finally:
            self._done(job)

    def put(self, job: Job) -> None:
        task_id = task_id_of(job.key)
        self._claims[task_id] = job
        self._outbox.append(task_id)
        self._wake.set()

    def take_back(self, task_id: str) -> Job | None:
        return self._claims.pop(task_id, None)

    async def feed(self) -> None:
        while True:
            while self._outbox:
                await self.broker.send(self._outbox.popleft())
            self._wake.clear()
            await self._wake.wait()


class LocalQueue:
    """See `flowrun.ports.JobQueue`."""

    def __init__(self, capacities: Mapping[str, int], run: Run, done: Callable[[Job], None]) -> None:
        """Make a queue for each worker.

        `capacities` says how many jobs each runs at once; `done` is called when a job
        that was begun has ended, however it did.
        """
        self._queues = {name: _WorkerQueue(name, limit, run, done) for name, limit in capacities.items()}
        self._feeders: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to take jobs."""
        for name, queue in self._queues.items():
            await queue.broker.startup()
            self._feeders.append(asyncio.create_task(queue.feed(), name=f"feed {name}"))

    async def close(self, grace: float) -> None:
        """Take no more; let what runs end within `grace` seconds, then cancel it."""
        for feeder in self._feeders:
            feeder.cancel()
        async with asyncio.TaskGroup() as draining:
            for queue in self._queues.values():
                draining.create_task(queue.broker.drain(grace))
        for queue in self._queues.values():
            await queue.broker.shutdown()

    def put(self, job: Job) -> None:
        """See the port."""
        self._queues[job.worker].put(job)

    def cancel(self, key: tuple[str, str, str]) -> Job | None:
        """See the port."""
        task_id = task_id_of(key)
        for queue in self._queues.values():
            job = queue.take_back(task_id)
            if job is not None:
                return job
            if queue.broker.cancel(task_id):
                return None
        return None

    def lend(self, job: Job) -> None:
        """See the port."""
        self._queues[job.worker].broker.free()

    def take(self, job: Job) -> None:
        """See the port."""
        self._queues[job.worker].broker.occupy()

    def running(self) -> dict[str, int]:
        """How many jobs each worker runs."""
        return {name: queue.broker.running for name, queue in self._queues.items()}


def task_id_of(key: tuple[str, str, str]) -> str:
    """The task id of a node run: `execution:node:iteration`."""
    return ":".join(key)
