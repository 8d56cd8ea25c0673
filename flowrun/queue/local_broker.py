"""A taskiq broker within the process: bounded, with back-pressure, and able to cancel one task.

The stock in-memory broker starts everything at once; the stock receiver orphans tasks when it is cancelled and
costs five times what its `callback` costs. Here messages go to the receiver's `callback` as the worker has room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import partial
from typing import Any

from taskiq import AsyncBroker, BrokerMessage, TaskiqMessage, TaskiqResult
from taskiq.abc.formatter import TaskiqFormatter
from taskiq.acks import AckController
from taskiq.receiver import Receiver

RUN_NODE = "flowrun.run_node"
_NO_RESULT: TaskiqResult[Any] = TaskiqResult(is_err=False, log=None, return_value=None, execution_time=0)
_log = logging.getLogger(__name__)


class IdFormatter(TaskiqFormatter):
    """Messages that are nothing but the id of their task: each broker has one task, and the id is its argument."""

    def __init__(self, task_name: str) -> None:
        self._task_name = task_name

    def dumps(self, message: TaskiqMessage) -> BrokerMessage:
        """See taskiq."""
        return self.message(message.task_id)

    def message(self, task_id: str) -> BrokerMessage:
        """What is sent for a task: made at once, and not by taskiq of a call's arguments, labels and types."""
        return BrokerMessage(task_id=task_id, task_name=self._task_name, message=task_id.encode(), labels={})

    def loads(self, message: bytes) -> TaskiqMessage:
        """See taskiq."""
        task_id = message.decode()
        return TaskiqMessage(task_id=task_id, task_name=self._task_name, labels={}, args=[task_id], kwargs={})


class _PlainReceiver(Receiver):
    """Runs a task and nothing around it: what a node gave is recorded by the engine, not as taskiq's result."""

    async def run_task(
        self,
        target: Callable[..., Any],
        message: TaskiqMessage,
        ack_controller: AckController | None = None,  # noqa: ARG002 - taskiq's signature
    ) -> TaskiqResult[Any]:
        """See taskiq. Its timeouts, dependencies and measures would cost more than all the rest."""
        try:
            await target(*message.args)
        except Exception:  # noqa: BLE001 - nobody waits for the task, and its place must become free all the same.
            _log.exception("Running %s failed", message.task_id)
        return _NO_RESULT


class LocalBroker(AsyncBroker):
    """Runs at most `limit` tasks at once; `kick` waits while all places are taken."""

    def __init__(self, name: str, limit: int, run: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        """Make the broker of a worker that has `limit` places; `run` is its one task, given the id of each run."""
        super().__init__()
        self.with_id_generator(_no_id)
        self.name = name
        self.formatter = self._messages = IdFormatter(RUN_NODE)

        async def run_node(task_id: str) -> None:  # taskiq sets attributes on it, which a method has not.
            await run(task_id)

        self.task(task_name=RUN_NODE)(run_node)
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
        self._receiver = _PlainReceiver(self, run_startup=False, validate_params=False, max_async_tasks=self._limit)

    async def send(self, task_id: str) -> None:
        """Let the task run with this id, as soon as there is a place for it."""
        await self.kick(self._messages.message(task_id))

    async def kick(self, message: BrokerMessage) -> None:
        """Start the task as soon as there is a place for it."""
        await self._places.acquire()
        assert self._receiver is not None  # noqa: S101 - kicked only after start-up
        task = asyncio.get_running_loop().create_task(self._receiver.callback(message.message))
        self._running[message.task_id] = task
        task.add_done_callback(partial(self._ended, message.task_id))

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
