"""Fixtures of the agent's tests: the stand-in over real HTTP, an in-memory store, and a way to run a node."""

from __future__ import annotations

import pytest

from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.agent.stub.server import LlmStub
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.types.agent import Agent

KEY = "sk-live-1234567890"


class Remembered:
    """Conversations in memory."""

    def __init__(self):
        self.rows = {}
        self.writes = 0

    async def turns(self, *place):
        return self.rows.get(place, [])

    async def change(self, *args):
        *place, change = args
        self.writes += 1
        self.rows[tuple(place)] = list(change(self.rows.get(tuple(place), [])))


@pytest.fixture
async def llm():
    async with LlmStub(api_key=KEY) as stub:
        yield stub


@pytest.fixture
def script(llm):
    """Let the stand-in answer these steps."""

    def scripted(*steps):
        llm.script = Script.of(steps)
        return llm

    return scripted


@pytest.fixture
def conversations():
    return Remembered()


@pytest.fixture
def agent(client, llm, conversations):
    """Run an `agent` node: `await agent(prompt=…)`; `key` is the run's idempotency key, `hidden` are its secrets."""
    node_type = Agent()

    async def runner(*, key="e:n:0", through=None, hidden=(), **params):
        given = {"model": "stub", "base_url": llm.url, "api_key": KEY, "prompt": "Hello"} | params
        job = NodeJob(node_type.check(given), None, "e", "t", "w", "n", "", 1, key, hidden=hidden)
        return await node_type.run(job, Services(through or client, conversations))

    return runner


def call(name, **arguments):
    """A step that calls a tool."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}
