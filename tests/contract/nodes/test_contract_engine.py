"""What every type that the engine runs itself keeps to, loops and waits among them, on the real engine."""

from __future__ import annotations

from itertools import product

import pytest
from contract.nodes.cases import CASES
from contract.nodes.cases.case import EngineCase
from contract.nodes.scene import HANDLING, becomes, completions, history, matches, run, save
from support.manual_clock import ManualClock
from support.runtime import bench

from flowrun.commands.execution_commands import CancelExecution
from flowrun.domain.decide import decide
from flowrun.domain.events import NodeEvent, event_data
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Start

pytestmark = pytest.mark.anyio

ENGINE = [case for case in CASES.values() if isinstance(case, EngineCase)]
SUCCEEDS = [(case, success) for case in ENGINE for success in case.succeeds]
FAILS = [case for case in ENGINE if case.fails]
WAITS = [case for case in ENGINE if case.waits]
ERROR_FIELDS = {"type", "message", "node_id", "attempt", "retryable", "source", "details", "occurred_at"}
HANDLED = list(product(FAILS, HANDLING))


@pytest.mark.parametrize(("case", "success"), SUCCEEDS, ids=lambda value: getattr(value, "type", None))
async def test_success(tmp_path, case, success):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, success.scene)
        execution_id = await b.start(success.scene.input)
        clock.advance(0)
        assert (await b.end(execution_id)).status == "completed"
        node = await run(b, execution_id)
        assert (node["type"], node["status"], node["error"]) == (case.type, "completed", None)
        assert matches(success.output, node["output"]), node["output"]
        assert (await run(b, execution_id, "z"))["status"] == ("skipped" if "z" in success.skipped else "completed")
        for other in success.skipped:
            assert (await run(b, execution_id, other))["status"] == "skipped"
    assert completions(tmp_path, execution_id) == 1


@pytest.mark.parametrize(("case", "handling"), HANDLED, ids=lambda value: getattr(value, "type", value))
async def test_failure(tmp_path, case, handling):
    scene = case.fails.scene
    async with bench(tmp_path) as b:
        await save(b, case, scene, *HANDLING[handling])
        execution_id = await b.start(scene.input)
        ending = await b.end(execution_id)
        node = await run(b, execution_id)
        assert (node["status"], node["handling"]) == ("failed", handling)
        error = node["error"]
        assert error["type"] == case.fails.error
        assert error["message"]
        assert error.keys() == ERROR_FIELDS
        assert (error["attempt"], error["retryable"], error["source"]) == (1, False, "node")
        if handling == "fail":
            assert (ending.status, ending.error) == ("failed", error)
            assert (await run(b, execution_id, "z"))["status"] == "pending"
        elif handling == "continue":
            assert ending.status == "completed"
            assert (await run(b, execution_id, "z"))["input"] == error
        else:
            assert ending.status == "completed"
            assert (await run(b, execution_id, "z"))["status"] == "skipped"
            assert (await run(b, execution_id, "e"))["input"] == {"error": error, "input": node["input"]}


@pytest.mark.parametrize("case", ENGINE, ids=lambda case: case.type)
async def test_deciding_again_from_what_is_stored_gives_the_same(tmp_path, case):
    wait, fails = case.waits, case.fails
    scene = wait.scene if wait else case.succeeds[0].scene if case.succeeds else fails.scene
    async with bench(tmp_path, clock=ManualClock()) as b:
        await save(b, case, scene)
        execution_id = await b.start(scene.input)
        await becomes(b, execution_id, wait.status if wait else "completed", "failed")
        created, *events = history(tmp_path, execution_id)
        workflow = await b.runtime.context.graphs.get("acme", "w", 1)
    again = Execution(execution_id, "acme", workflow)
    start = Start(created["data"]["trigger_node"], created["data"]["trigger"], by=created["data"]["by"])
    decided = decide(again, [start], created["at"], lambda: 1.0).events[1:]
    first_commit = events[: len(decided)] if wait else events
    assert [_decided(event, at) for _, at, event in decided] == [_stored(event) for event in first_commit]


def _decided(event, at):
    node = (event.node, event.iteration) if isinstance(event, NodeEvent) else (None, "")
    return (event.type, at, *node, event_data(event) or None)


def _stored(row):
    return (row["type"], row["at"], row["node_id"], row["iteration"] or "", row["data"] or None)


@pytest.mark.parametrize("case", WAITS, ids=lambda case: case.type)
async def test_a_restart_in_the_middle_of_the_wait_changes_nothing(tmp_path, case):
    clock, wait = ManualClock(), case.waits
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, wait.scene)
        execution_id = await b.start(wait.scene.input)
        await becomes(b, execution_id, wait.status)
    async with bench(tmp_path, clock=clock) as b:
        assert (await run(b, execution_id))["status"] == wait.status
        await wait.wake(b, execution_id, clock)
        assert (await b.end(execution_id)).status == "completed"
        assert matches(wait.output, (await run(b, execution_id))["output"])
    assert completions(tmp_path, execution_id) == 1


@pytest.mark.parametrize("case", WAITS, ids=lambda case: case.type)
async def test_cancel(tmp_path, case):
    async with bench(tmp_path, clock=ManualClock()) as b:
        await save(b, case, case.waits.scene)
        execution_id = await b.start(case.waits.scene.input)
        await becomes(b, execution_id, case.waits.status)
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        assert (await run(b, execution_id))["status"] == "cancelled"


@pytest.mark.parametrize("case", WAITS, ids=lambda case: case.type)
async def test_timeout_of_the_workflow(tmp_path, case):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, case.waits.scene, timeout=60.0)
        execution_id = await b.start(case.waits.scene.input)
        await becomes(b, execution_id, case.waits.status)
        clock.advance(60)
        assert (await b.end(execution_id)).status == "timed_out"
        assert (await run(b, execution_id))["status"] == "cancelled"
