"""Carrying on at start: what an earlier process had committed and not finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import select, tuple_

from flowrun.coordinator.dispatcher import Dispatcher, JobKey
from flowrun.coordinator.effects import Effects
from flowrun.domain.states import ExecutionStatus, NodeStatus
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import job_from
from flowrun.ports import Clock, Reader

_log = logging.getLogger(__name__)

_PAGE = 500
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

    async def run(self) -> int:
        """Hand out every job of earlier processes; gives how many there were."""
        await self._end_cancelling()
        count, after = 0, ("", "", "")
        while page := await self._page(after):
            last, _ = page[-1]
            after = last.key
            await asyncio.gather(*(self._carry_on(job, began) for job, began in page))
            count += len(page)
            await self._room()
        self._effects.ended = None
        if count:
            _log.info("Carried on with %d jobs of an earlier process", count)
        return count

    async def _end_cancelling(self) -> None:
        """The workers of executions that were being cancelled have died, so these have ended."""
        table = t.executions
        live = table.c.finished_at.is_(None)  # As the partial index says.
        query = select(table.c.id).where(live, table.c.status == ExecutionStatus.CANCELLING.value)
        for row in await self._reader.all(query):
            await self._finish_cancelling(row["id"])

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

    async def _carry_on(self, job: Job, began: bool) -> None:
        if self._effects.ended is not None and job.key in self._effects.ended:
            return
        if began:
            try:
                await self._lost(job)
            except FlowrunError as error:
                # One execution that cannot be read must not keep the others from going on.
                _log.error("The execution %s cannot carry on: %s", job.execution_id, error)
        else:
            # It may have been what killed the process: this time its start is committed before it begins.
            job.careful = True
            self._dispatcher.add([job])

    async def _room(self) -> None:
        never = asyncio.Event()
        while sum(lane.depth for lane in self._dispatcher.lanes.values()) > _MOST_WAITING:
            await self._clock.wait(never, 0.05)
