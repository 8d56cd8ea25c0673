"""An event loop without threads, sockets or real time: a seed says in which order tasks run, and when it dies."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from random import Random
from typing import Any

STEP_SECONDS = 5e-6
"""What each step costs of the virtual time, so that no chain of steps keeps timers from ever coming due."""
MOST_SHUFFLED = 8
EPOCH = 1_800_000_000_000
"""Milliseconds; when the virtual time begins."""


class Violation(AssertionError):  # noqa: N818 - what a check says
    """Something that must always hold doesn't."""


class _Task(asyncio.Task):
    """A task whose place in a set doesn't depend on its address in memory."""

    _numbers = count()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._place = next(_Task._numbers)
        super().__init__(*arguments, **more)

    def __hash__(self) -> int:
        return self._place


class SimulatedLoop(asyncio.BaseEventLoop):
    """Takes one step at a time. Of tasks that could all go on at once, the seed says which one does.

    Callbacks keep their order, among themselves and with tasks: asyncio promises it, and deliveries rely on it.
    """

    def __init__(self, rng: Random, now: float) -> None:
        super().__init__()
        self._rng = rng
        self._now = now
        self._dies_in: int | None = None
        self.steps = 0
        self.dead = False
        """The process has been killed: nothing of it happens any more."""
        self.faults: list[dict[str, Any]] = []
        """What no task has caught, and what was found to be wrong: the first one ends the run."""
        _Task._numbers = count()
        self.set_task_factory(lambda loop, coroutine, **more: _Task(coroutine, loop=loop, **more))
        self.set_exception_handler(lambda _loop, context: None if self.dead else self.faults.append(context))

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def die_in(self, steps: int) -> None:
        """Be killed after so many further steps."""
        if self._dies_in is None:
            self._dies_in = steps

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: Any, context: Any = None) -> Any:
        """There are no threads."""
        return self.call_soon(callback, *arguments, context=context)

    def run_in_executor(self, _executor: object, function: Callable[..., Any], *arguments: Any) -> Any:
        """Do at once what would go to a thread."""
        future = self.create_future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits it
            future.set_exception(error)
        return future

    def live(self, main: Any) -> Any:
        """Run until the coroutine has ended, or the process is killed: then None."""
        task = self.create_task(main)
        task.add_done_callback(lambda _done: self.stop())
        try:
            self.run_forever()
            return None if self.dead else task.result()
        finally:
            self.dead = True
            self._bury()
            self.close()

    def _run_once(self) -> None:
        self._wake()
        self.steps += 1
        self._now += STEP_SECONDS
        handle = self._take()
        if not handle._cancelled:
            handle._run()
        if self.faults and not self.dead:
            context = self.faults[0]
            raise Violation(context["message"]) from context.get("exception")
        if self._dies_in is not None:
            self._dies_in -= 1
            if self._dies_in < 0:
                self.dead = self._stopping = True

    def _wake(self) -> None:
        """Let what is due run; let time pass when nothing else is to be done."""
        scheduled = self._scheduled
        while scheduled:
            if scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
            elif scheduled[0]._when <= self._now or not self._ready:
                handle = heapq.heappop(scheduled)
                handle._scheduled = False
                self._now = max(self._now, handle._when)
                self._ready.append(handle)
            else:
                break
        if not self._ready:
            raise Violation("the service stands still: nothing is due and nothing can run")

    def _take(self) -> asyncio.Handle:
        ready = self._ready
        width = 0
        while width < min(len(ready), MOST_SHUFFLED) and _of_a_task(ready[width]):
            width += 1
        if width < 2:
            return ready.popleft()
        place = self._rng.randrange(width)
        handle = ready[place]
        del ready[place]
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        """They are dropped when their time comes."""

    def _bury(self) -> None:
        """End what the dead process left, silently: its memory is gone, its `finally` blocks never run for real."""
        for task in sorted(asyncio.all_tasks(self), key=hash):
            task._log_destroy_pending = False
            coroutine: Any = task.get_coro()
            with suppress(Exception, asyncio.CancelledError):  # Whatever they try to do in the end.
                coroutine.close()
        self._ready.clear()
        self._scheduled.clear()


def _of_a_task(handle: asyncio.Handle) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)


class SimulatedClock:
    """See `flowrun.ports.Clock`."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return EPOCH + int(self._loop.time() * 1000 + 1e-6)

    def monotonic(self) -> float:
        """Seconds."""
        return self._loop.time()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set or the time has passed."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
