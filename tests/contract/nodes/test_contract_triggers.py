"""What every type that starts executions keeps to: the fact starts one, twice the same fact starts no second."""

from __future__ import annotations

import asyncio

import pytest
from contract.nodes.cases import CASES
from contract.nodes.cases.case import Check, Scene, TriggerCase
from contract.nodes.scene import matches, run, save
from support.manual_clock import ManualClock
from support.runtime import PATIENCE, bench, rows

pytestmark = pytest.mark.anyio

TRIGGERS = [case for case in CASES.values() if isinstance(case, TriggerCase)]
FIRED_TWICE = [case for case in TRIGGERS if Check.REDELIVERY not in case.exempt]
REFUSING = [case for case in TRIGGERS if case.refuse]
STARTED = "SELECT id FROM executions WHERE workflow_id = 'w'"


def scene(case, **params):
    return Scene(params={**case.params, **params}, graph="n -> z")


async def started(b, data_dir):
    """Wait until an execution of `w` is there; gives its id."""
    async with asyncio.timeout(PATIENCE):
        while not (found := rows(data_dir, STARTED)):
            await b.runtime.context.writer.transact(lambda _connection: None)
    return found[0]["id"]


@pytest.mark.parametrize("case", TRIGGERS, ids=lambda case: case.type)
async def test_success(tmp_path, case):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, scene(case))
        await case.fire(b, clock)
        execution_id = await started(b, tmp_path)
        assert (await b.end(execution_id)).status == "completed"
        node = await run(b, execution_id)
        assert (node["type"], node["status"]) == (case.type, "completed")
        assert matches(case.output, node["output"]), node["output"]
        assert (await run(b, execution_id, "z"))["input"] == node["output"]


@pytest.mark.parametrize("case", REFUSING, ids=lambda case: case.type)
async def test_failure(tmp_path, case):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, scene(case, **case.faulty))
        await case.refuse(b, clock)
    assert rows(tmp_path, STARTED) == []


@pytest.mark.parametrize("case", FIRED_TWICE, ids=lambda case: case.type)
async def test_the_same_fact_twice_starts_one_also_over_a_restart(tmp_path, case):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await save(b, case, scene(case))
        await case.fire(b, clock)
        await b.end(await started(b, tmp_path))
        await case.fire(b, clock)
    async with bench(tmp_path, clock=clock) as b:
        await case.fire(b, clock)
        await b.end(await started(b, tmp_path))
    assert len(rows(tmp_path, STARTED)) == 1
