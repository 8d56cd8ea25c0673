"""The real runtime on a directory of its own, with a worker node whose runs the test plays."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import orjson
from support.graphs import definition
from support.invariants import check_database
from support.node_types import Script, Step
from support.ready_database import make_ready

from flowrun.bootstrap import Runtime, running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.start_execution import StartExecution
from flowrun.config import Settings
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, Outcome
from flowrun.errors import ConflictError
from flowrun.formats import to_document
from flowrun.nodes.job import NodeJob, Services
from flowrun.ports import Clock, Ending

Play = Callable[[NodeJob], Awaitable[Outcome]]
PATIENCE = 20.0
"""Seconds after which a test that waits for something has failed."""


class PlayedStep(Step):
    """A step whose runs are noted, and whose result the test may give."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: Counter[str] = Counter()
        """How often each node has begun."""
        self.jobs: list[NodeJob] = []
        self.stopped: list[str] = []
        """Nodes that were told to stop while they ran."""
        self.plays: dict[str, Play] = {}
        self._begun = asyncio.Condition()

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Note the run, then do what the test says: by default complete with where it ran, and the input."""
        async with self._begun:
            self.runs[job.node_id] += 1
            self.jobs.append(job)
            self._begun.notify_all()
        try:
            if job.node_id in self.plays:
                return await self.plays[job.node_id](job)
        except asyncio.CancelledError:
            self.stopped.append(job.node_id)
            raise
        return Completed({"tenant": job.tenant_id, "execution": job.execution_id, "node": job.node_id})

    async def begun(self, node: str, times: int = 1) -> None:
        """Return when the node has begun that often."""
        async with asyncio.timeout(PATIENCE), self._begun:
            await self._begun.wait_for(lambda: self.runs[node] >= times)


async def for_ever(_job: NodeJob) -> Outcome:
    """A play that only ends by being told to stop."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


class Bench:
    """A running engine and what tests do with it."""

    def __init__(self, runtime: Runtime, step: PlayedStep) -> None:
        self.runtime = runtime
        self.step = step
        self.engine = runtime.engine

    async def save(self, text: str, *, tenant: str = "acme", workflow: str = "w", **settings: Any) -> None:
        """Save the workflow that the text describes (see `support.graphs`)."""
        with suppress(ConflictError):
            await self.send(CreateTenant(id=tenant))
        document = to_document(definition(text, id=workflow, name=workflow, **settings))
        await self.send(SaveWorkflow(tenant_id=tenant, document=document))

    async def start(self, body: JsonValue = None, *, tenant: str = "acme", workflow: str = "w") -> str:
        """Start the workflow; gives the execution's id."""
        message = StartExecution(tenant_id=tenant, workflow_id=workflow, input=body, notify=True)
        return (await self.send(message))["execution_id"]

    async def end(self, execution_id: str) -> Ending:
        """Wait for the execution's end."""
        ending = await self.engine.ending(execution_id, response=False, timeout=PATIENCE)
        assert ending is not None, "the execution doesn't end"
        return ending

    async def send(self, message: Any) -> Any:
        """Send a command as the operator."""
        return await self.runtime.mediator.send(message, OPERATOR)


@asynccontextmanager
async def bench(data_dir: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Bench]:
    """The runtime on that directory; afterwards the database is checked."""
    step = PlayedStep()
    given = {"shutdown_grace": 0.0} | settings
    make_ready(data_dir / "flowrun.db")
    async with running(
        Settings(data_dir=data_dir, **given), clock=clock, node_types=[step, Script()], jitter=lambda: 1.0
    ) as runtime:
        yield Bench(runtime, step)
    check_database(data_dir / "flowrun.db")


def rows(data_dir: Path, query: str, *parameters: Any) -> list[dict[str, Any]]:
    """What the database holds; columns of JSON are read."""
    with closing(sqlite3.connect(f"file:{data_dir / 'flowrun.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(query, parameters)]
    for row in found:
        for name in row.keys() & {"data", "sources"}:
            row[name] = None if row[name] is None else orjson.loads(row[name])
    return found
