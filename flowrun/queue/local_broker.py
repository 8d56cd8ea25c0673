"""A taskiq broker within the process: bounded, with back-pressure, and able to cancel one task.

The stock in-memory broker starts everything at once; the stock receiver orphans tasks when it is cancelled and
costs five times what its `callback` costs. Here messages go to the receiver's `callback` as the worker has room.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import orjson
from taskiq import AsyncBroker, BrokerMessage, TaskiqMessage
from taskiq.abc.formatter import TaskiqFormatter
from taskiq.receiver import Receiver


class CompactFormatter(TaskiqFormatter):
    """Messages as short JSON arrays; they never leave the process, so nothing in them needs checking."""

    def dumps(self, message: TaskiqMessage) -> BrokerMessage:
        """See taskiq."""
        data = orjson.dumps([message.task_id, message.task_name, message.args])
        return BrokerMessage.model_construct(
            task_id=message.task_id, task_name=message.task_name, message=data, labels={}
        )

    def loads(self, message: bytes) -> TaskiqMessage:
        """See taskiq."""
        task_id, task_name, args = orjson.loads(message)
        return TaskiqMessage.model_construct(
            task_id=task_id, task_name=task_name, labels={}, labels_types=None, args=args, kwargs={}
        )


class LocalBroker(AsyncBroker):
    """Runs at most `limit` tasks at once; `kick` waits while all places are taken."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__()
        self.with_id_generator(_no_id)
        self.name = name
        self.formatter = CompactFormatter()
        self.is_worker_process = True
        self._places = asyncio.Semaphore(limit)
        self._owed = 0
        """Places that tasks have taken again while all were taken: so many ends free none."""
        self._limit = limit
        self._running: dict[str, asyncio.Task[None]] = {}
        self._receiver: Receiver | None = None

    async def startup(self) -> None:
        """See taskiq."""
        await super().startup()
        self._receiver = Receiver(self, run_startup=False, validate_params=False, max_async_tasks=self._limit)
        # Our one task has no dependencies; resolving none would cost as much as decoding the message.
        self._receiver.dependency_graphs.clear()

    async def kick(self, message: BrokerMessage) -> None:
        """Start the task as soon as there is a place for it."""
        await self._places.acquire()
        assert self._receiver is not None  # noqa: S101 - kicked only after start-up
        task = asyncio.get_running_loop().create_task(self._receiver.callback(message.message))
        self._running[message.task_id] = task
        task.add_done_callback(lambda ended: self._ended(message.task_id, ended))

    def _ended(self, task_id: str, ended: asyncio.Task[None]) -> None:
        if self._running.get(task_id) is ended:  # The next attempt of the same node run may be there already.
            del self._running[task_id]
        self.free()

    def free(self) -> None:
        """Let another task have a place."""
        if self._owed:
            self._owed -= 1
        else:
            self._places.release()

    def occupy(self) -> None:
        """Take a place at once, even where there is none."""
        self._owed += 1

    def cancel(self, task_id: str) -> bool:
        """Cancel one running task; False when it doesn't run."""
        task = self._running.get(task_id)
        return task is not None and task.cancel()

    async def drain(self, seconds: float) -> None:
        """Let running tasks end by themselves for so long, then cancel them and wait for their end."""
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Part of taskiq's interface; tasks are started by `kick`, so there is nothing to listen for."""
        nothing: tuple[bytes, ...] = ()
        for message in nothing:
            yield message

    @property
    def running(self) -> int:
        """How many tasks run."""
        return len(self._running)


def _no_id() -> str:
    return ""
