"""The real engine and database, without HTTP."""

from __future__ import annotations

import pytest
from support.manual_clock import ManualClock
from support.ready_database import make_ready

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR, SYSTEM
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.receive_webhook import ReceiveWebhook
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings


class Service:
    """Sends messages as the operator."""

    def __init__(self, runtime, clock):
        self.runtime, self.clock = runtime, clock
        self.context = runtime.context

    async def send(self, message, principal=OPERATOR):
        return await self.runtime.mediator.send(message, principal)

    async def save(self, workflow_id, nodes, edges=(), *, dry_run=False, **more):
        document = {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges], **more}
        message = SaveWorkflow(tenant_id="acme", workflow_id=workflow_id, document=document, dry_run=dry_run)
        return await self.send(message)

    async def deliver(self, path="in", method="POST", **more):
        matches = self.context.routes.match("acme", method, path)
        asked = {"tenant_id": "acme", "method": method, "path": path, "received_at": self.clock.now()}
        return await self.send(ReceiveWebhook(matches=matches, **asked, **more), SYSTEM)

    async def rows(self, table):
        return await self.context.reader.all(table.select())


@pytest.fixture
async def service(tmp_path):
    clock = ManualClock()
    make_ready(tmp_path / "flowrun.db")
    async with running(Settings(data_dir=tmp_path), clock=clock) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        yield Service(runtime, clock)
