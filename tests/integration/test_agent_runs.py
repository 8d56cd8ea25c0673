"""Agents run by the engine, on a real database and against the stand-in: memory, redelivery, retry, cancellation."""

from __future__ import annotations

import asyncio
import time

import pytest
from support.runtime import PATIENCE, bench, rows

from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.execution_commands import CancelExecution
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.set_secret import SetSecret
from flowrun.errors import UnavailableError
from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.agent.stub.server import LlmStub
from flowrun.persistence.conversations import ConversationStore

pytestmark = pytest.mark.anyio

KEY = "sk-live-1234567890"


@pytest.fixture
async def llm():
    async with LlmStub(api_key=KEY) as stub:
        yield stub


@pytest.fixture
def agents(tmp_path):
    """A running engine with a workflow of one agent."""

    def opened(**settings):
        return bench(tmp_path, http_allow=("127.0.0.1",), **settings)

    return opened


async def save(b, llm, **params):
    await b.send(CreateTenant(id="acme"))
    await b.send(SetSecret(tenant_id="acme", name="LLM_KEY", value=KEY))
    given = {
        "model": "stub",
        "base_url": llm.url,
        "api_key": "{{ secrets.LLM_KEY }}",
        "prompt": "{{ input.text }}",
        "conversation_id": "{{ input.who }}",
    }
    agent = {"id": "a", "type": "agent", "params": given | params, "retry": {"initial_interval": 0.01}}
    nodes = [{"id": "t", "type": "manual"}, agent]
    document = {"id": "w", "name": "w", "nodes": nodes, "edges": [{"source": "t", "target": "a"}]}
    await b.send(SaveWorkflow(tenant_id="acme", document=document))


async def said(b, text, who=None):
    return await b.end(await b.start({"text": text, "who": who}))


async def test_a_conversation_goes_on_in_the_next_execution(agents, llm, tmp_path):
    async with agents() as b:
        await save(b, llm)
        first, second = await said(b, "I am Ada", "ada"), await said(b, "Who am I?", "ada")
        assert first.error is None
        assert first.output["text"] == "You said: I am Ada"
        assert second.status == "completed"
    assert [one["content"] for one in llm.seen[1].body["messages"]] == ["I am Ada", "You said: I am Ada", "Who am I?"]
    (row,) = rows(tmp_path, "SELECT * FROM conversations")
    assert (row["tenant_id"], row["workflow_id"], row["id"]) == ("acme", "w", "ada")
    assert KEY not in str(rows(tmp_path, "SELECT * FROM execution_events")) + str(row)


async def test_an_attempt_that_was_lost_after_it_was_remembered_is_not_taken_again(agents, llm, tmp_path, monkeypatch):
    change, lost = ConversationStore.change, []

    async def loses_the_first(self, *args):
        await change(self, *args)
        if not lost:
            lost.append(True)
            raise UnavailableError("the attempt ends here")

    monkeypatch.setattr(ConversationStore, "change", loses_the_first)
    async with agents() as b:
        await save(b, llm)
        ending = await said(b, "once", "ada")
        assert (ending.status, ending.output["text"]) == ("completed", "You said: once")
    assert lost
    assert len(llm.seen) == 1
    (row,) = rows(tmp_path, "SELECT messages FROM conversations")
    assert row["messages"].count('"key"') == 1


async def test_too_many_requests_are_retried_when_the_endpoint_says(agents, llm):
    llm.script = Script.of([{"status": 429, "retry_after": 1}, {"text": "now"}])
    async with agents() as b:
        await save(b, llm)
        begun = time.monotonic()
        ending = await said(b, "hello")
        assert (ending.status, ending.output["text"]) == ("completed", "now")
        assert time.monotonic() - begun >= 0.9


async def test_a_wrong_key_fails_at_once_and_is_not_shown(agents, llm, tmp_path):
    llm._api_key = "another"
    async with agents() as b:
        await save(b, llm)
        ending = await said(b, "hello")
        assert (ending.status, ending.error["type"]) == ("failed", "model_unauthorized")
    assert len(llm.seen) == 1
    assert KEY not in str(rows(tmp_path, "SELECT * FROM execution_events"))


async def test_a_turn_in_flight_is_cancelled(agents, llm, tmp_path):
    asked = asyncio.Event()

    class Asked(Script):
        def next(self, said):
            asked.set()
            return super().next(said)

    llm.script = Asked.of([{"hang": True}])
    async with agents() as b:
        await save(b, llm)
        execution_id = await b.start({"text": "hello", "who": "ada"})
        await asyncio.wait_for(asked.wait(), PATIENCE)
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
    assert rows(tmp_path, "SELECT * FROM conversations") == []


async def test_a_hundred_agents_at_once(agents, llm):
    llm.script = Script.of([{"delay": 0.2, "times": "forever"}])
    async with agents(worker_agent=100) as b:
        await save(b, llm)
        begun = time.monotonic()
        endings = await asyncio.gather(*(said(b, f"number {number}", number) for number in range(100)))
        took = time.monotonic() - begun
        assert [ending.output["text"] for ending in endings] == [f"You said: number {n}" for n in range(100)]
        assert took < 6, "one after the other would take 20 s"
