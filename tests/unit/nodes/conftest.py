"""Fixtures of the node tests."""

from __future__ import annotations

import pytest
from support.recording_server import RecordingServer

from flowrun.domain.node_type import NodeContext
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.registry import builtin_types

REGISTRY = builtin_types()


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def run():
    """Run an engine node: `run("if", {"condition": 1}, input, sources)`."""

    def runner(name, params, value=None, sources=("a",), now=1_000_000):
        node_type = REGISTRY.get(name)
        return node_type.run_in_engine(NodeContext(node_type.check(params), value, tuple(sources), now))

    return runner


@pytest.fixture
async def server():
    async with RecordingServer() as running:
        yield running


@pytest.fixture
async def client():
    shared = HttpClient(["127.0.0.1"])
    yield shared
    await shared.aclose()


@pytest.fixture
def call(client):
    """Run an `http` node: `await call(url=…)`; `through` is another client, `hidden` are its secrets."""

    async def caller(through=None, hidden=(), **params):
        node_type = REGISTRY.get("http")
        job = NodeJob(node_type.check(params), None, "e", "t", "w", "n", "", 1, "e:n:0", hidden=hidden)
        return await node_type.run(job, Services(through or client))

    return caller
