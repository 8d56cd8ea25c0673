"""Carrying on at start: what an earlier process had committed and not finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import select, tuple_

from flowrun.coordinator.dispatcher import Dispatcher, JobKey
from flowrun.coordinator.effects import Effects
from flowrun.domain.states import ExecutionStatus, NodeStatus
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import job_from
from flowrun.ports import Clock, Reader

_log = logging.getLogger(__name__)

_PAGE = 500
_AGAIN_SECONDS = 0.5
_MOST_WAITING = 5_000
"""With so many jobs in the dispatcher the next page of old jobs waits: their payloads stay on disk."""


class Recovery:
    """Runs once at start, beside the new work."""

    def __init__(
        self,
        *,
        reader: Reader,
        clock: Clock,
        dispatcher: Dispatcher,
        effects: Effects,
        lost: Callable[[Job], Awaitable[None]],
        finish_cancelling: Callable[[str], Awaitable[None]],
        epoch: int,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._dispatcher = dispatcher
        self._effects = effects
        self._lost = lost
        self._finish_cancelling = finish_cancelling
        self._epoch = epoch
        self._effects.ended = set()
        self._after: JobKey = ("", "", "")
        """How far the jobs have been read: a recovery that was broken off goes on from there."""
        self._count = 0

    async def hold_paused(self) -> None:
        """Let no job of a paused execution begin; before anybody can resume one."""
        table = t.executions
        live = table.c.finished_at.is_(None)  # As the partial index says.
        query = select(table.c.id).where(live, table.c.status == ExecutionStatus.PAUSED.value)
        for row in await self._reader.all(query):
            self._dispatcher.hold(row["id"])

    async def run(self) -> None:
        """Hand out every job of earlier processes."""
        await self._end_cancelling()
        while page := await self._page(self._after):
            for job, began in page:
                if not began:
                    self._hand_out(job)
            await asyncio.gather(*(self._carry_on(job) for job, began in page if began))
            last, _ = page[-1]
            self._after = last.key
            self._count += len(page)
            await self._room()
        self._effects.ended = None
        if self._count:
            _log.info("Carried on with %d jobs of an earlier process", self._count)

    async def _end_cancelling(self) -> None:
        """The workers of executions that were being cancelled have died, so these have ended."""
        table = t.executions
        live = table.c.finished_at.is_(None)  # As the partial index says.
        query = select(table.c.id).where(live, table.c.status == ExecutionStatus.CANCELLING.value)
        for row in await self._reader.all(query):
            await self._insist(row["id"], partial(self._finish_cancelling, row["id"]))

    async def _page(self, after: JobKey) -> list[tuple[Job, bool]]:
        job, run = t.jobs, t.node_executions
        same = (
            (run.c.execution_id == job.c.execution_id)
            & (run.c.node_id == job.c.node_id)
            & (run.c.iteration == job.c.iteration)
        )
        query = (
            select(job, run.c.status)
            .join(run, same)
            .where(tuple_(job.c.execution_id, job.c.node_id, job.c.iteration) > after, job.c.epoch < self._epoch)
            .order_by(job.c.execution_id, job.c.node_id, job.c.iteration)
            .limit(_PAGE)
        )
        return [(job_from(row), row["status"] == NodeStatus.RUNNING.value) for row in await self._reader.all(query)]

    def _hand_out(self, job: Job) -> None:
        if self._has_ended(job):
            return
        # It may have been what killed the process: this time its start is committed before it begins.
        job.careful = True
        self._dispatcher.add([job])

    async def _carry_on(self, job: Job) -> None:
        """Let an attempt that had begun count as lost, unless it has ended meanwhile."""
        await self._insist(job.execution_id, lambda: self._lost(job), lambda: self._has_ended(job))

    async def _insist(
        self, execution_id: str, report: Callable[[], Awaitable[None]], needless: Callable[[], bool] = lambda: False
    ) -> None:
        """Report until the database can commit. One execution that cannot be read holds up nobody else."""
        while not needless():
            try:
                await report()
            except UnavailableError as error:
                _log.warning("The execution %s carries on later: %s", execution_id, error)
                await self._clock.wait(asyncio.Event(), _AGAIN_SECONDS)
            except FlowrunError as error:
                _log.error("The execution %s cannot carry on: %s", execution_id, error)
                return
            else:
                return

    def _has_ended(self, job: Job) -> bool:
        return self._effects.ended is not None and job.key in self._effects.ended

    async def _room(self) -> None:
        never = asyncio.Event()
        while sum(lane.depth for lane in self._dispatcher.lanes.values()) > _MOST_WAITING:
            await self._clock.wait(never, 0.05)
