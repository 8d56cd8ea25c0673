"""A worker node that ends when the test says so, for tests of who runs when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.ready_database import make_ready

from flowrun.bootstrap import Runtime, running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.start_execution import StartExecution
from flowrun.config import Settings
from flowrun.domain.node_type import Completed
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel
from flowrun.nodes.registry import builtin_types
from flowrun.ports import Clock
from flowrun.queries.get_execution import GetExecution


class Gated(WorkerNodeType):
    """Runs until its gate is opened."""

    name = "gated"
    worker = "webhook"

    class Params(ParamsModel):
        """None."""

    def __init__(self, *, stubborn: bool = False) -> None:
        """A stubborn one waits for its own gate also when it is told to stop."""
        super().__init__()
        self._stubborn = stubborn
        self.begun: list[tuple[str, str]] = []
        """Tenant and execution of every run, in the order of their beginning."""
        self.open = asyncio.Event()
        self._each: dict[str, asyncio.Event] = {}
        self._news = asyncio.Event()

    async def run(self, job: NodeJob, services: Services) -> Completed:  # noqa: ARG002
        """Wait for the gate of all, or the execution's own."""
        self.begun.append((job.tenant_id, job.execution_id))
        self._news.set()
        own = self._each.setdefault(job.execution_id, asyncio.Event())
        waits = [asyncio.ensure_future(self.open.wait()), asyncio.ensure_future(own.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if self._stubborn:
                await own.wait()
            raise
        finally:
            for one in waits:
                one.cancel()
        return Completed(None)

    def let_end(self, execution_id: str) -> None:
        """Open the gate of one execution."""
        self._each.setdefault(execution_id, asyncio.Event()).set()

    async def until_begun(self, count: int) -> None:
        """Return when so many runs have begun."""
        async with asyncio.timeout(10):
            while len(self.begun) < count:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def gated_runtime(
    folder: Path, gated: Gated, *tenants: str, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Runtime]:
    """A real runtime with these tenants."""
    make_ready(folder / "flowrun.db")
    async with running(Settings(data_dir=folder, **settings), node_types=[gated], clock=clock) as runtime:
        if runtime.epoch == 1:
            for tenant in tenants:
                await runtime.mediator.send(CreateTenant(id=tenant), OPERATOR)
        yield runtime


async def save(runtime: Runtime, tenant: str, workflow: str = "w", **settings: Any) -> None:
    """Save a workflow of one gated node."""
    document: Any = {
        "id": workflow,
        "name": workflow,
        "nodes": [{"id": "t", "type": "manual"}, {"id": "g", "type": "gated"}],
        "edges": [{"source": "t", "target": "g"}],
        **settings,
    }
    await runtime.mediator.send(SaveWorkflow(tenant_id=tenant, workflow_id=workflow, document=document), OPERATOR)


async def start(runtime: Runtime, tenant: str, workflow: str = "w", body: Any = None) -> str:
    """Start one execution by hand."""
    message = StartExecution(tenant_id=tenant, workflow_id=workflow, input=body)
    return str((await runtime.mediator.send(message, OPERATOR))["execution_id"])


async def ended(runtime: Runtime, execution_id: str) -> str:
    """Wait for an execution's end; gives its status."""
    ending = await runtime.engine.ending(execution_id, response=False, timeout=20)
    assert ending is not None, f"{execution_id} does not end"
    return ending.status.value


async def status(runtime: Runtime, execution_id: str, tenant: str = "acme") -> str:
    """The state of an execution as it is stored."""
    found = await runtime.mediator.send(GetExecution(tenant_id=tenant, execution_id=execution_id), OPERATOR)
    return str(found["status"])


TYPES_WITH_GATED = builtin_types()
TYPES_WITH_GATED.add(Gated())
