"""Running jobs: one attempt each, under its deadline, its result recorded before the worker takes the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Cancelled, Failed, NodeTypes, Outcome
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.output import bounded, timed_out
from flowrun.nodes.scrubbing import Scrubber
from flowrun.ports import Clock, Secrets
from flowrun.workers.logs import AttemptLog, NodeLogs
from flowrun.workers.revealing import NotRevealedError, revealed
from flowrun.workers.suspects import SUSPECT_LOST, Suspects

_log = logging.getLogger(__name__)

LONG = 0.2
"""Seconds; an attempt that lasts so long is recorded as running."""
OVERDUE = 2.0
"""Seconds that a node which ignores its cancellation is waited for past its deadline."""
_LONGEST_BACKOFF = 5.0

Lent = Callable[[Job], AbstractContextManager[None]]
"""Lets others have the place of a job for as long as the block lasts."""
RecordStart = Callable[[Job, int], Awaitable[None]]
RecordResult = Callable[[Job, Outcome | Cancelled, int | None], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Attempt:
    job: Job
    task: asyncio.Task[Any]
    started_at: int
    """Milliseconds since the epoch."""
    began: float
    """The same by the clock that nobody sets."""
    deadline: float | None = None
    """When the node that runs is cancelled, by that clock; None: it doesn't run."""
    timed_out: bool = False
    """It was cancelled at its deadline."""
    waits: bool = False
    """It has not begun, and waits for its turn."""
    ended: bool = False
    """It has its outcome, which may have to be held until the database can commit again."""
    announced: bool = False
    stopped: bool = False
    """The engine told it to stop."""
    abandoned: bool = False
    """Its time was over, and its result is no longer wanted."""

    def is_stopped(self) -> bool:
        return self.stopped


class Attempts:
    """The attempts that run in this process."""

    def __init__(
        self,
        *,
        types: NodeTypes,
        services: Services,
        secrets: Secrets,
        clock: Clock,
        logs: NodeLogs,
        lent: Lent,
        record_start: RecordStart,
        record_result: RecordResult,
    ) -> None:
        self._types = types
        self._services = services
        self._secrets = secrets
        self._clock = clock
        self._logs = logs
        self._lent = lent
        self._record_start = record_start
        self._record_result = record_result
        self._suspects = Suspects()
        self._running: dict[tuple[str, str, str], _Attempt] = {}
        self._reports: set[asyncio.Task[bool]] = set()
        self.cut_off: list[Job] = []
        """Those whose start is recorded, and which the stop of this process has ended."""
        self._next_look = 0.0
        """When `watch` looks again, by the clock that nobody sets."""
        self._sooner = asyncio.Event()
        """It must look sooner."""

    def stop(self, key: tuple[str, str, str]) -> None:
        """Mark an attempt as stopped by the engine, just before its task is cancelled."""
        attempt = self._running.get(key)
        if attempt is not None:
            attempt.stopped = True

    def never_ran(self, job: Job) -> None:
        """Let it be recorded that a job of a cancelled execution was taken back before its attempt began."""
        self._report(partial(self._record_result, job, Cancelled(), None))

    async def run(self, job: Job) -> None:
        """Run one job and record its result. Cancelled at shutdown, it records nothing: the next start runs it."""
        attempt = _Attempt(job, _this_task(), self._clock.now(), self._clock.monotonic())
        self._running[job.key] = attempt
        try:
            outcome = await self._attempt(job, attempt)
            attempt.ended = True
            if outcome is not None and not attempt.abandoned:
                await self._until_stored(lambda: self._record_result(job, outcome, attempt.started_at))
        finally:
            if self._running.get(job.key) is attempt:
                del self._running[job.key]

    async def _attempt(self, job: Job, attempt: _Attempt) -> Outcome | Cancelled | None:
        """Give the outcome; None when the start that has to be known of cannot be recorded."""
        try:
            if job.lost < SUSPECT_LOST:
                return await self._begin(job, attempt)
            attempt.waits = True
            async with self._suspects.alone():
                self._goes_on(attempt)
                return await self._begin(job, attempt)
        except asyncio.CancelledError:
            if attempt.stopped:
                return Cancelled()
            if attempt.announced:
                self.cut_off.append(job)
            raise

    async def _begin(self, job: Job, attempt: _Attempt) -> Outcome | None:
        if job.careful:
            attempt.announced = attempt.waits = True
            if not await self._until_stored(lambda: self._record_start(job, attempt.started_at)):
                return None
            self._goes_on(attempt)
        return await self._outcome(job, attempt)

    def _goes_on(self, attempt: _Attempt) -> None:
        attempt.waits = False
        attempt.started_at, attempt.began = self._clock.now(), self._clock.monotonic()

    async def _outcome(self, job: Job, attempt: _Attempt) -> Outcome:
        kind = self._types.get(job.node_type)
        if not isinstance(kind, WorkerNodeType):
            return Failed("unknown_node_type", f"No worker here knows the node type {job.node_type}", source="engine")
        try:
            params, hidden = await revealed(job, self._secrets)
        except NotRevealedError as error:
            return error.failed
        log = self._logs.open(job, hidden)
        try:
            node_job = self._node_job(job, attempt, params, log)
            node_job.hidden = tuple(hidden)
            outcome = await self._run(kind, node_job, attempt, quiet=bool(hidden))
            if attempt.abandoned:
                log.write("The attempt ended long after its timeout, when it had been given up: its result is refused")
        finally:
            log.close()
        return Scrubber(hidden).outcome(outcome) if hidden else outcome

    def _node_job(self, job: Job, attempt: _Attempt, params: JsonObject, log: AttemptLog) -> NodeJob:
        node_job = NodeJob.of(job, params)
        node_job.log, node_job.stopped, node_job.waiting = log.write, attempt.is_stopped, partial(self._lent, job)
        node_job.held_up = partial(self._held_up, attempt)
        return node_job

    async def _run(self, kind: WorkerNodeType, job: NodeJob, attempt: _Attempt, *, quiet: bool) -> Outcome:
        """Run the node; `quiet` keeps its errors, which may hold a secret, out of the service's own log."""
        timeout, cancelled_before = attempt.job.timeout, attempt.task.cancelling()
        self._set_deadline(attempt)
        try:
            return bounded(await kind.run(job, self._services))
        except asyncio.CancelledError:
            if attempt.timed_out and attempt.task.cancelling() - 1 <= cancelled_before:
                return timed_out(timeout)
            raise
        except TimeoutError as error:
            if attempt.timed_out:
                return timed_out(timeout)
            return Failed("TimeoutError", str(error) or "The node timed out by itself", retryable=True)
        except Exception as error:  # noqa: BLE001 - a node's failure is a result like any other
            _log.debug("The node %s of %s failed", job.node_id, job.execution_id, exc_info=not quiet)
            return Failed(type(error).__name__, str(error) or type(error).__name__, retryable=True)
        finally:
            attempt.deadline = None
            if attempt.timed_out:
                attempt.task.uncancel()  # That cancellation has done its work.

    @contextmanager
    def _held_up(self, attempt: _Attempt) -> Iterator[None]:
        """Let an attempt that runs already wait for its turn: that takes nothing of its time."""
        attempt.waits, attempt.deadline = True, None
        try:
            yield
        finally:
            self._goes_on(attempt)
            self._set_deadline(attempt)

    def _set_deadline(self, attempt: _Attempt) -> None:
        """Let `watch` cancel an attempt: a timer of the event loop for each costs more than the attempt's own start."""
        attempt.deadline = self._clock.monotonic() + attempt.job.timeout
        if attempt.deadline < self._next_look:
            self._sooner.set()

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> bool:
        """Hold on to a result while the database cannot commit; it must not be lost as long as we live.

        False: the execution cannot be read, since a plugin is gone, say. Its job stays for a later start.
        """
        backoff = 0.1
        while True:
            try:
                await store()
            except UnavailableError as error:
                _log.warning("A result cannot be stored yet: %s", error)
            except FlowrunError as error:
                _log.error("An attempt is left to a later start: %s", error)
                return False
            except Exception:  # noqa: BLE001 - a bug must not lose a result
                _log.exception("Storing a result failed; it is tried again")
            else:
                return True
            await self._clock.wait(asyncio.Event(), backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def watch(self) -> None:
        """Announce attempts that last, cancel them at their deadline, give up on those that ignore it."""
        while True:
            now = self._clock.monotonic()
            self._next_look = now + LONG
            for attempt in list(self._running.values()):
                if not attempt.waits and not attempt.ended:
                    self._look_at(attempt, now)
            self._sooner.clear()
            await self._clock.wait(self._sooner, self._next_look - now)

    def _look_at(self, attempt: _Attempt, now: float) -> None:
        age = now - attempt.began
        if not attempt.announced and age >= LONG:
            attempt.announced = True
            self._report(partial(self._record_start, attempt.job, attempt.started_at))
        if attempt.deadline is not None and not attempt.timed_out:
            if now >= attempt.deadline:
                attempt.timed_out = True
                attempt.task.cancel()
            else:
                self._next_look = min(self._next_look, attempt.deadline)
        if age >= attempt.job.timeout + OVERDUE and not attempt.abandoned:
            self._abandon(attempt)

    def _abandon(self, attempt: _Attempt) -> None:
        attempt.abandoned = True
        _log.warning("The node %s ignores its cancellation; its result is no longer wanted", attempt.job.node_id)
        self._report(partial(self._record_result, attempt.job, timed_out(attempt.job.timeout), attempt.started_at))

    def _report(self, report: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._until_stored(report))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - called by a coroutine
    return task
