"""The whole service in this process: real database, engine and workers, with HTTP spoken straight to the app."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from pydantic import Field
from support.ready_database import make_ready

from flowrun.api.app import create_app
from flowrun.bootstrap import running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.domain.node_type import Completed, Failed
from flowrun.nodes.base import ONE_ATTEMPT, WorkerNodeType
from flowrun.nodes.params import ParamsModel


class WorkParams(ParamsModel):
    fail: bool = Field(default=False, description="Fail.")
    hold: bool = Field(default=False, description="Wait for the test to let go.")


class Work(WorkerNodeType):
    """A node of a worker that does what its params say."""

    name = "work"
    worker = "webhook"
    needs_input = True
    default_retry = ONE_ATTEMPT
    Params = WorkParams

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def run(self, job, services):  # noqa: ARG002
        if job.params["hold"]:
            await self.let_go.wait()
        return Failed("boom", "the secret reason") if job.params["fail"] else Completed({"worked": job.input})


class Api:
    """One service, its operator's client, and what tests need to look behind it."""

    def __init__(self, runtime, work):
        self.runtime = runtime
        self.work = work
        self.app = create_app(runtime.mediator, runtime.context, runtime.settings)
        self.operator = self.client(local=True)

    def client(self, *, local=False, key=None):
        async def app(scope, receive, send):
            await self.app({**scope, "state": {"flowrun_local": local}}, receive, send)

        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://flowrun", headers=headers)

    async def key(self, *scopes, tenant="acme"):
        answer = await self.operator.post(f"/api/v1/tenants/{tenant}/keys", json={"name": "k", "scopes": list(scopes)})
        return answer.json()["key"]

    async def save(self, workflow_id, nodes, edges=(), tenant="acme", **more):
        document = {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges], **more}
        message = SaveWorkflow(tenant_id=tenant, workflow_id=workflow_id, document=document)
        return await self.runtime.mediator.send(message, OPERATOR)


@pytest.fixture
async def api(tmp_path):
    work = Work()
    make_ready(tmp_path / "flowrun.db")
    async with running(Settings(data_dir=tmp_path), node_types=[work]) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        api = Api(runtime, work)
        async with api.operator:
            yield api
        work.let_go.set()
