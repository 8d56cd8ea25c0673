"""Callers that wait for an execution: for its answer, or for its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from flowrun.domain.execution import Execution
from flowrun.ports import Ending

_KEPT_SECONDS = 60.0
"""How long an ending is kept for a caller that was announced but has not come to wait yet."""


@dataclass(slots=True, eq=False)
class _Watch:
    for_response: list[asyncio.Future[Ending | None]] = field(default_factory=list)
    for_end: list[asyncio.Future[Ending | None]] = field(default_factory=list)
    answered: Ending | None = None
    ended: Ending | None = None
    waiting: int = 0
    from_start: bool = False
    """It was there before the execution, and has been told of everything."""


class Endings:
    """Who waits for which execution. Costs nothing for an execution that nobody waits for."""

    def __init__(self) -> None:
        self._watches: dict[str, _Watch] = {}
        self._closed = False

    def close(self) -> None:
        """Let nobody wait any longer: the process is about to stop, and the executions go on after it."""
        self._closed = True
        for watch in self._watches.values():
            _tell(watch.for_response, None)
            _tell(watch.for_end, None)

    def expect(self, execution_id: str, *, from_start: bool = False) -> None:
        """Remember what happens to an execution from now on: somebody will come and wait for it."""
        self._watches.setdefault(execution_id, _Watch(from_start=from_start))

    def expected(self, execution_id: str) -> bool:
        """Whether somebody waits, or will."""
        return execution_id in self._watches

    def hears_all(self, execution_id: str) -> bool:
        """Whether all that ever happens to an execution is remembered: what isn't known is yet to come."""
        watch = self._watches.get(execution_id)
        return watch is not None and watch.from_start

    def known(self, execution_id: str, *, response: bool) -> bool:
        """Whether `wait` would not have to wait."""
        watch = self._watches.get(execution_id)
        return watch is not None and (watch.ended is not None or (response and watch.answered is not None))

    async def wait(self, execution_id: str, *, response: bool, timeout: float) -> Ending | None:
        """The ending (or, with `response`, the answer) of an expected execution; None after `timeout` s or `close`."""
        watch = self._watches[execution_id]
        known = watch.ended or (watch.answered if response else None)
        if known is not None or self._closed:
            self._drop(execution_id, watch)
            return known
        future: asyncio.Future[Ending | None] = asyncio.get_running_loop().create_future()
        (watch.for_response if response else watch.for_end).append(future)
        watch.waiting += 1
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return None
        finally:
            watch.waiting -= 1
            self._drop(execution_id, watch)

    def forget(self, execution_id: str) -> None:
        """Nobody will come after all, unless somebody waits already."""
        watch = self._watches.get(execution_id)
        if watch is not None:
            self._drop(execution_id, watch)

    def _drop(self, execution_id: str, watch: _Watch) -> None:
        if watch.waiting == 0:
            self._watches.pop(execution_id, None)

    def answered(self, execution: Execution) -> None:
        """A response node has answered, or no response node can any more. Called after the commit."""
        watch = self._watches.get(execution.id)
        if watch is not None and watch.answered is None:
            watch.answered = ending_of(execution)
            _tell(watch.for_response, watch.answered)

    def ended(self, execution: Execution) -> None:
        """The execution has ended. Called after the commit."""
        watch = self._watches.get(execution.id)
        if watch is None:
            return
        watch.ended = ending_of(execution)
        _tell(watch.for_response, watch.ended)
        _tell(watch.for_end, watch.ended)
        if watch.waiting == 0:
            asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._drop, execution.id, watch)


def _tell(futures: list[asyncio.Future[Ending | None]], ending: Ending | None) -> None:
    for future in futures:
        if not future.done():
            future.set_result(ending)
    futures.clear()


def ending_of(execution: Execution) -> Ending:
    """What a waiting caller is told of this state."""
    return Ending(
        execution_id=execution.id,
        status=execution.status,
        output=execution.output,
        error=execution.error,
        response=execution.response,
    )
