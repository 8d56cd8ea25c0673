"""What every type that a worker runs keeps to, against a real other side: at least once, and recorded once."""

from __future__ import annotations

from itertools import product

import pytest
from contract.nodes.cases import CASES
from contract.nodes.cases.case import Check, Play, Scene, WorkerCase
from contract.nodes.scene import HANDLING, becomes, completions, history, run, save
from support.manual_clock import ManualClock
from support.runtime import bench

from flowrun.bus import SYSTEM
from flowrun.commands.execution_commands import CancelExecution
from flowrun.commands.record_result import RecordResult
from flowrun.domain.node_type import Completed, Failed

pytestmark = pytest.mark.anyio

WORKERS = [case for case in CASES.values() if isinstance(case, WorkerCase)]
HANDLED = list(product(WORKERS, HANDLING))
ONE_ATTEMPT = "retry n 1"


def going_through(check):
    return [case for case in WORKERS if check not in case.exempt]


def named(case):
    return getattr(case, "type", case)


async def begin(b, case, stage, *more):
    """Start the scene of a stage; gives the execution's id."""
    await save(b, case, Scene(params=stage.params), *more)
    if stage.prepare is not None:
        await stage.prepare(b)
    return await b.start(stage.input)


@pytest.mark.parametrize("case", WORKERS, ids=named)
async def test_success(tmp_path, case):
    async with case.stage(Play.GOOD) as stage, bench(tmp_path, **stage.settings) as b:
        execution_id = await begin(b, case, stage)
        assert (await b.end(execution_id)).status == "completed"
        node = await run(b, execution_id)
        assert (node["type"], node["status"], node["attempt"], node["error"]) == (case.type, "completed", 1, None)
        assert case.output(node["output"]), node["output"]
    assert completions(tmp_path, execution_id) == 1


@pytest.mark.parametrize(("case", "handling"), HANDLED, ids=named)
async def test_failure(tmp_path, case, handling):
    async with case.stage(Play.BAD) as stage, bench(tmp_path, **stage.settings) as b:
        execution_id = await begin(b, case, stage, *HANDLING[handling])
        ending = await b.end(execution_id)
        node = await run(b, execution_id)
        error = node["error"]
        assert (node["status"], node["handling"]) == ("failed", handling)
        assert (error["type"], error["retryable"], error["source"]) == (case.error, False, "node"), error
        assert (error["node_id"], error["attempt"]) == ("n", 1)
        if handling == "fail":
            assert (ending.status, ending.error) == ("failed", error)
        elif handling == "continue":
            assert (ending.status, (await run(b, execution_id, "z"))["input"]) == ("completed", error)
        else:
            assert (await run(b, execution_id, "z"))["status"] == "skipped"
            assert (await run(b, execution_id, "e"))["input"] == {"error": error, "input": node["input"]}


@pytest.mark.parametrize("case", going_through(Check.RETRY), ids=named)
async def test_retry(tmp_path, case):
    clock = ManualClock()
    async with case.stage(Play.FLAKY) as stage, bench(tmp_path, clock=clock, **stage.settings) as b:
        execution_id = await begin(b, case, stage, 'retry n {"initial_interval": 1}')
        await becomes(b, execution_id, "retrying")
        stage.recover()
        clock.advance(1)
        assert (await b.end(execution_id)).status == "completed"
        node = await run(b, execution_id)
        assert (node["attempt"], case.output(node["output"])) == (2, True)
        first, second = node["attempts"]
        assert (first["error"]["retryable"], second["error"]) == (True, None)
        if stage.keys is not None:
            assert len(stage.keys()) == 2
            assert len(set(stage.keys())) == 1
    assert completions(tmp_path, execution_id) == 1


@pytest.mark.parametrize("case", going_through(Check.TIMEOUT), ids=named)
async def test_timeout(tmp_path, case):
    async with case.stage(Play.HANGS) as stage, bench(tmp_path, **stage.settings) as b:
        execution_id = await begin(b, case, stage, ONE_ATTEMPT, "timeout n 0.5")
        ending = await b.end(execution_id)
        error = ending.error
        assert (ending.status, error["type"], error["source"]) == ("failed", "timeout", "timeout")
        assert error["retryable"]
        if stage.told is not None:
            await stage.told()


@pytest.mark.parametrize("case", going_through(Check.CANCEL), ids=named)
async def test_cancel(tmp_path, case):
    async with case.stage(Play.HANGS) as stage, bench(tmp_path, **stage.settings) as b:
        execution_id = await begin(b, case, stage)
        await stage.begun(b)
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        assert (await run(b, execution_id))["status"] == "cancelled"
        if stage.told is not None:
            await stage.told()
        health = await b.runtime.context.health()
        assert {lane["running"] for lane in health["workers"].values()} == {0}, "the worker has let go of it"


@pytest.mark.parametrize("case", WORKERS, ids=named)
async def test_a_result_that_is_delivered_twice_is_recorded_once(tmp_path, case):
    async with case.stage(Play.GOOD) as stage, bench(tmp_path, **stage.settings) as b:
        execution_id = await begin(b, case, stage)
        await b.end(execution_id)
        before, node = history(tmp_path, execution_id), await run(b, execution_id)
        for late in (Completed({"late": True}), Failed("late", "It came twice", retryable=True)):
            again = RecordResult(
                tenant_id="acme", execution_id=execution_id, key=("n", ""), dispatch=1, outcome=late, started_at=None
            )
            await b.runtime.mediator.send(again, SYSTEM)
        assert await run(b, execution_id) == node
        assert history(tmp_path, execution_id) == before


@pytest.mark.parametrize("case", going_through(Check.CANCEL), ids=named)
async def test_a_restart_in_the_middle_runs_it_again_and_records_it_once(tmp_path, case):
    async with case.stage(Play.HANGS) as stage:
        async with bench(tmp_path, **stage.settings) as b:
            execution_id = await begin(b, case, stage)
            await stage.begun(b)
        if stage.told is not None:
            await stage.told()
        async with bench(tmp_path, **stage.settings) as b:
            assert (await b.end(execution_id)).status == "completed"
            assert case.output((await run(b, execution_id))["output"])
        if stage.keys is not None:
            assert len(stage.keys()) == 2
            assert len(set(stage.keys())) == 1
    assert completions(tmp_path, execution_id) == 1
