"""A real runtime with a clock that the test moves, for schedules."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.gated import Gated
from support.manual_clock import ManualClock
from support.ready_database import make_ready

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.persistence import tables as t
from flowrun.queries.get_schedule import GetSchedule
from flowrun.queries.list_schedules import ListSchedules

NOW = 1_800_000_000_000
"""2027-01-15T08:00:00Z, a Friday."""
MINUTE = 60_000


class SetClock(ManualClock):
    """A clock that can be put back and forth, too; who waits looks again within a second, as with the real one."""

    def put(self, seconds: float) -> None:
        self._now += round(seconds * 1000)
        for _, over in self._sleepers:
            over.set()


class Schedules:
    """One runtime, and what the tests ask it."""

    def __init__(self, runtime, clock, gated):
        self.runtime, self.clock, self.gated = runtime, clock, gated

    async def send(self, message):
        return await self.runtime.mediator.send(message, OPERATOR)

    async def save(self, params, workflow="w", tenant="acme", node="noop", **more):
        nodes = [{"id": "tick", "type": "schedule", "params": params}]
        nodes.append({"id": "n", "type": node, "timeout": "1d"})
        document = {"id": workflow, "nodes": nodes, "edges": [{"source": "tick", "target": "n"}], **more}
        await self.send(SaveWorkflow(tenant_id=tenant, workflow_id=workflow, document=document))
        found = await self.send(ListSchedules(tenant_id=tenant, workflow_id=workflow))
        return found["items"][0]

    async def schedule(self, schedule):
        return await self.send(GetSchedule(tenant_id="acme", schedule_id=schedule["id"]))

    async def rows(self, schedule):
        """The fires, the oldest first."""
        table = t.schedule_fires
        query = table.select().where(table.c.schedule_id == schedule["id"]).order_by(table.c.scheduled_at)
        return [dict(row) for row in await self.runtime.context.reader.all(query)]

    async def shown(self, schedule):
        """The fires as `(minutes since NOW, decision)`."""
        return [((row["scheduled_at"] - NOW) / MINUTE, row["decision"]) for row in await self.rows(schedule)]

    async def becomes(self, look, expected):
        """Wait until something asynchronous gives what is expected."""
        for _ in range(400):
            found = await look()
            if found == expected:
                return
            self.clock.put(0)
            await asyncio.sleep(0.005)
        assert found == expected

    async def fires(self, schedule, *expected):
        await self.becomes(lambda: self.shown(schedule), list(expected))

    async def begun(self, number):
        """Wait until so many gated nodes have begun."""

        async def enough():
            return len(self.gated.begun) >= number

        await self.becomes(enough, True)

    async def executions(self):
        query = t.executions.select().order_by(t.executions.c.id)
        return [dict(row) for row in await self.runtime.context.reader.all(query)]

    async def count(self):
        return len(await self.executions())

    async def walk(self, seconds, step=1.0):
        """Let time pass in steps, and the ticker look at each."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            await asyncio.sleep(0.003)
            self.clock.put(0)
            await asyncio.sleep(0.003)

    async def still(self):
        """Let whatever might happen happen."""
        for _ in range(10):
            self.clock.put(0)
            await asyncio.sleep(0.005)


@pytest.fixture
def clock():
    return SetClock(NOW)


@pytest.fixture
def opened(tmp_path, clock):
    @asynccontextmanager
    async def opened():
        gated = Gated()
        make_ready(tmp_path / "flowrun.db")
        async with running(Settings(data_dir=tmp_path, shutdown_grace=0.2), clock=clock, node_types=[gated]) as runtime:
            if runtime.epoch == 1:
                await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
                await runtime.mediator.send(CreateTenant(id="other"), OPERATOR)
            yield Schedules(runtime, clock, gated)

    return opened


@pytest.fixture
async def at(opened):
    async with opened() as one:
        yield one
