"""Agents whose tools are other workflows, on the real runtime: started once, waited for, cancelled with the agent."""

from __future__ import annotations

import json

import anyio
import pytest
from support.runtime import bench, for_ever, rows

from flowrun.commands.call_workflow import CallWorkflow
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.execution_commands import CancelExecution, PauseExecution, RetryExecution, TerminateExecution
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.errors import ConflictError
from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.agent.stub.server import LlmStub
from flowrun.queries.get_execution import GetExecution
from flowrun.queries.get_node_log import GetNodeLog

pytestmark = pytest.mark.anyio

CALL = {"tool_calls": [{"name": "look_up", "arguments": {"number": "7"}}]}
DONE = {"text": "done"}


@pytest.fixture
async def llm():
    async with LlmStub() as stub:
        yield stub


@pytest.fixture
def agents(tmp_path):
    def opened(**settings):
        return bench(tmp_path, http_allow=("127.0.0.1",), **settings)

    return opened


async def save(b, workflow, node, **more):
    document = {
        "id": workflow,
        "nodes": [{"id": "t", "type": "manual"}, node],
        "edges": [{"source": "t", "target": node["id"]}],
        **more,
    }
    await b.send(SaveWorkflow(tenant_id="acme", document=document))


async def setup(b, llm, *, called="called", retry=None, **tool):
    """A workflow `w` of one agent that may start `called`, which is one step."""
    await b.send(CreateTenant(id="acme"))
    await save(b, "called", {"id": "s", "type": "step"})
    described = {
        "type": "workflow",
        "name": "look_up",
        "description": "Looks a number up.",
        "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
        "workflow_id": called,
        "input": {"who": "{{ input.who }}"},
        "timeout": "10s",
    }
    params = {"model": "stub", "base_url": llm.url, "prompt": "Look it up.", "tools": [described | tool]}
    await save(b, "w", {"id": "a", "type": "agent", "params": params, "retry": retry or {"initial_interval": 0.01}})


async def start(b, workflow="w"):
    return await b.start({"who": "ada"}, workflow=workflow)


def told(llm):
    """What the last request told the model of its tool calls."""
    return [json.loads(one["content"]) for one in llm.seen[-1].body["messages"] if one["role"] == "tool"]


def called(folder):
    return rows(folder, "SELECT id, status, reason FROM executions WHERE workflow_id = 'called' ORDER BY id")


async def test_a_called_workflows_output_is_told(agents, llm, tmp_path):
    llm.script = Script.of([CALL, DONE])
    async with agents() as b:
        await setup(b, llm)
        execution_id = await start(b)
        ending = await b.end(execution_id)
        assert (ending.status, ending.output["text"]) == ("completed", "done")
        (child,) = called(tmp_path)
        assert told(llm) == [{"tenant": "acme", "execution": child["id"], "node": "s"}]
        assert b.step.jobs[0].input == {"number": "7", "who": "ada"}
        document = await b.send(GetExecution(tenant_id="acme", execution_id=child["id"]))
        caller = {"execution_id": execution_id, "node_id": "a", "iteration": "", "wait": False}
        assert document["trigger"]["caller"].pop("call")
        assert (document["trigger"]["type"], document["trigger"]["caller"]) == ("workflow", caller)
        log = await b.send(GetNodeLog(tenant_id="acme", execution_id=execution_id, node_id="a"))
    lines = [line["text"] for line in log["items"]]
    assert lines[:4] == [
        "Request 1 to stub: 1 messages",
        "The model calls 1 tool; 10 tokens in, 5 out so far",
        "Tool look_up is called",
        f"The execution {child['id']} of the workflow called is waited for",
    ]
    assert lines[4].startswith("Tool look_up answered after ")
    assert lines[-1] == "The model has answered (stop); 20 tokens in, 10 out so far"


async def test_an_attempt_that_is_tried_again_starts_nothing_again(agents, llm, tmp_path):
    llm.script = Script.of([CALL, {"status": 500}, CALL, DONE])
    async with agents() as b:
        await setup(b, llm)
        assert (await b.end(await start(b))).output["text"] == "done"
        assert b.step.runs["s"] == 1
    assert len(called(tmp_path)) == 1


async def test_the_same_call_twice_is_two_calls(agents, llm, tmp_path):
    llm.script = Script.of([{"tool_calls": CALL["tool_calls"] * 2}, DONE])
    async with agents() as b:
        await setup(b, llm)
        ending = await b.end(await start(b))
        assert len(ending.output["tool_calls"]) == 2
    assert len(called(tmp_path)) == 2


async def test_over_a_restart_the_called_workflow_was_started_once(agents, llm, tmp_path):
    llm.script = Script.of([CALL | {"times": 2}, DONE])
    async with agents() as b:
        await setup(b, llm)
        b.step.plays["s"] = for_ever
        execution_id = await start(b)
        await b.step.begun("s")
        assert len(llm.seen) == 1
    (child,) = called(tmp_path)
    assert child["status"] != "cancelled", "the end of a process stops nobody"
    async with agents() as b:
        ending = await b.end(execution_id)
        assert (ending.status, ending.output["text"]) == ("completed", "done")
        assert told(llm)[0]["execution"] == child["id"]
    assert [one["id"] for one in called(tmp_path)] == [child["id"]]


async def test_cancelling_the_agent_cancels_what_it_called(agents, llm, tmp_path):
    llm.script = Script.of([CALL])
    async with agents() as b:
        await setup(b, llm)
        b.step.plays["s"] = for_ever
        execution_id = await start(b)
        await b.step.begun("s")
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        (child,) = called(tmp_path)
        assert (await b.end(child["id"])).status == "cancelled"
        assert b.step.stopped == ["s"]
    (child,) = called(tmp_path)
    assert child["reason"] == f"the node a of the execution {execution_id}, which called it, was stopped"


@pytest.mark.parametrize("command", [CancelExecution, TerminateExecution])
async def test_cancelling_an_agent_whose_process_died_cancels_what_it_called(agents, llm, tmp_path, command):
    llm.script = Script.of([CALL])
    async with agents() as b:
        await setup(b, llm)
        b.step.plays["s"] = for_ever
        execution_id = await start(b)
        await b.step.begun("s")
        # The attempt isn't begun again at the next start, so that no worker is there to be told.
        await b.send(PauseExecution(tenant_id="acme", execution_id=execution_id))
    (child,) = called(tmp_path)
    async with agents() as b:
        b.step.plays["s"] = for_ever
        await b.send(command(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        assert (await b.end(child["id"])).status == "cancelled"
    assert len(llm.seen) == 1
    (child,) = called(tmp_path)
    assert child["reason"] == "its caller has stopped"


async def test_an_agent_that_is_retried_at_once_loses_the_old_call_alone(agents, llm, tmp_path):
    llm.script = Script.of([CALL | {"times": 2}, DONE])
    async with agents() as b:
        await setup(b, llm)
        b.step.plays["s"] = for_ever
        execution_id = await start(b)
        await b.step.begun("s")
        (old,) = called(tmp_path)
        b.step.plays.clear()
        await b.send(TerminateExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        await b.send(RetryExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(old["id"])).status == "cancelled"
        assert (await b.end(execution_id)).status == "completed"
    assert sorted(one["status"] for one in called(tmp_path)) == ["cancelled", "completed"]


async def test_a_failure_is_told_and_an_operators_retry_calls_anew(agents, llm, tmp_path):
    llm.script = Script.of([CALL, {"status": 400}, CALL, DONE])
    async with agents() as b:
        await setup(b, llm, called="bad")
        await save(b, "bad", {"id": "f", "type": "fail", "params": {"message": "no luck", "type": "unlucky"}})
        execution_id = await start(b)
        assert (await b.end(execution_id)).status == "failed"
        assert told(llm) == [{"error": "the workflow bad ended as failed: unlucky: no luck"}]
        await b.send(RetryExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "completed"
    assert rows(tmp_path, "SELECT count(*) AS n FROM executions WHERE workflow_id = 'bad'") == [{"n": 2}]


async def test_a_workflow_that_takes_too_long_goes_on(agents, llm, tmp_path):
    llm.script = Script.of([CALL, DONE])
    async with agents() as b:
        await setup(b, llm, timeout=0.2)
        b.step.plays["s"] = for_ever
        assert (await b.end(await start(b))).status == "completed"
        assert told(llm) == [{"error": "the workflow called is running after 0.2 s"}]
        (child,) = called(tmp_path)
        assert child["status"] == "running"


@pytest.mark.parametrize("called", ["nobody", "draft"])
async def test_a_workflow_that_cannot_be_started_is_told(agents, llm, called):
    llm.script = Script.of([CALL, DONE])
    async with agents() as b:
        await setup(b, llm, called=called)
        await save(b, "draft", {"id": "s", "type": "step"}, status="draft")
        assert (await b.end(await start(b))).status == "completed"
        (answer,) = told(llm)
        assert answer["error"].startswith(f"the workflow {called} could not be started")


async def test_agents_that_call_one_another_for_ever_come_to_an_end(agents, llm, tmp_path):
    llm.script = Script.of([CALL | {"times": 17}, DONE | {"times": "forever"}])
    async with agents(worker_agent=17) as b:  # Each of them holds its place while it waits.
        await setup(b, llm, called="w")
        assert (await b.end(await start(b))).status == "completed"
    assert rows(tmp_path, "SELECT count(*) AS n FROM executions WHERE workflow_id = 'w'") == [{"n": 17}]
    answers = [one["content"] for request in llm.seen for one in request.body["messages"] if one["role"] == "tool"]
    (refused,) = [answer for answer in answers if answer.startswith('{"error"')]
    assert "16 workflows have started one another already" in refused


async def test_a_node_that_has_ended_calls_nobody(agents, llm):
    llm.script = Script.of([DONE])
    async with agents() as b:
        await setup(b, llm)
        execution_id = await start(b)
        await b.end(execution_id)
        place = {"execution_id": execution_id, "node_id": "a", "iteration": ""}
        with pytest.raises(ConflictError, match="doesn't run any more"):
            await b.send(CallWorkflow(tenant_id="acme", workflow_id="called", input=1, key="k", **place))


async def test_agents_that_wait_for_one_another_need_one_place(agents, llm):
    """Without lending its place, the first agent would keep the second from ever running."""
    llm.script = Script.of([CALL, {"text": "from the second"}, DONE])
    async with agents(worker_agent=1) as b:
        await setup(b, llm)
        await save(
            b, "called", {"id": "s", "type": "agent", "params": {"model": "stub", "base_url": llm.url, "prompt": "?"}}
        )
        ending = await b.end(await start(b))
        assert (ending.status, ending.output["text"]) == ("completed", "done")
        assert told(llm)[0]["text"] == "from the second"
        llm.script = Script.of([DONE])
        assert (await b.end(await start(b))).status == "completed"  # The places are right afterwards.
        lane = b.runtime.dispatcher.lanes["agent"]
        for _ in range(1_000):  # An attempt's place is free a moment after its result is known.
            await anyio.lowlevel.checkpoint()
        assert lane.running == 0
