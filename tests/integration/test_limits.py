"""How many run at once, and how fairly: on the real runtime."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, save, start, status
from support.invariants import check_database
from support.manual_clock import ManualClock

from flowrun.bus import OPERATOR
from flowrun.commands.execution_commands import CancelExecution, PauseExecution, ResumeExecution
from flowrun.commands.set_tenant_limits import SetTenantLimits
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import FlowrunError
from flowrun.queries.list_executions import ListExecutions

TO_CALL = [{"source": "t", "target": "call"}]


async def listed(runtime, status: str) -> list[str]:
    found = await runtime.mediator.send(ListExecutions(tenant_id="acme", status=[ExecutionStatus(status)]), OPERATOR)
    return [one["id"] for one in found["items"]]


async def test_beyond_a_workflows_limit_executions_wait_and_start_in_order(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 2})
        ids = [await start(runtime, "acme") for _ in range(5)]
        await gated.until_begun(2)
        assert [await status(runtime, one) for one in ids] == ["running", "running", "queued", "queued", "queued"]
        for number, one in enumerate(ids):
            gated.let_end(one)
            assert await ended(runtime, one) == "completed"
            await gated.until_begun(min(number + 3, 5))
        assert [execution for _, execution in gated.begun] == ids
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_limit_can_refuse(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": "reject"})
        first = await start(runtime, "acme")
        with pytest.raises(FlowrunError, match="This workflow is at its limit of 1 running at a time"):
            await start(runtime, "acme")
        gated.open.set()
        await ended(runtime, first)
        assert await ended(runtime, await start(runtime, "acme")) == "completed"


async def test_a_limit_can_let_the_newest_take_the_oldests_place(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": "cancel_oldest"})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        second = await start(runtime, "acme")
        assert await ended(runtime, first) == "cancelled"
        await gated.until_begun(2)
        gated.open.set()
        assert await ended(runtime, second) == "completed"


async def test_a_limit_holds_for_each_value_of_its_key(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "key": "trigger.body.customer"})
        ids = [await start(runtime, "acme", body={"customer": name}) for name in ("ann", "bob", "ann")]
        await gated.until_begun(2)
        assert [await status(runtime, one) for one in ids] == ["running", "running", "queued"]
        gated.open.set()
        assert [await ended(runtime, one) for one in ids] == ["completed"] * 3


async def test_queued_executions_can_be_cancelled_and_paused(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        first, cancelled, paused, last = [await start(runtime, "acme") for _ in range(4)]
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=cancelled), OPERATOR)
        await runtime.mediator.send(PauseExecution(tenant_id="acme", execution_id=paused), OPERATOR)
        gated.open.set()
        assert [await ended(runtime, one) for one in (first, cancelled)] == ["completed", "cancelled"]
        # The paused one has its place now, and keeps it while it is paused.
        assert await status(runtime, paused) == "paused"
        await runtime.mediator.send(ResumeExecution(tenant_id="acme", execution_id=paused), OPERATOR)
        assert [await ended(runtime, one) for one in (paused, last)] == ["completed", "completed"]
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_tenants_limit_takes_effect_at_once_and_can_be_lifted(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", "globex") as runtime:
        limits = SetTenantLimits(tenant_id="acme", running_executions=1)
        await runtime.mediator.send(limits, OPERATOR)
        for tenant in ("acme", "globex"):
            await save(runtime, tenant)
        ids = [await start(runtime, "acme") for _ in range(3)]
        other = await start(runtime, "globex")
        await gated.until_begun(2)
        assert [await status(runtime, one) for one in ids] == ["running", "queued", "queued"]
        assert await status(runtime, other, "globex") == "running"
        await runtime.mediator.send(SetTenantLimits(tenant_id="acme"), OPERATOR)
        await gated.until_begun(4)
        gated.open.set()
        assert [await ended(runtime, one) for one in ids] == ["completed"] * 3


async def test_node_runs_of_a_tenant_can_be_limited(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", "globex") as runtime:
        await runtime.mediator.send(SetTenantLimits(tenant_id="acme", running_nodes=2), OPERATOR)
        for tenant in ("acme", "globex"):
            await save(runtime, tenant)
        ids = [await start(runtime, "acme") for _ in range(4)]
        other = await start(runtime, "globex")
        await gated.until_begun(3)
        assert sorted(tenant for tenant, _ in gated.begun) == ["acme", "acme", "globex"]
        gated.open.set()
        assert [await ended(runtime, one) for one in [*ids, other]] == ["completed"] * 5


async def test_node_runs_of_a_workflow_can_be_limited_and_hold_up_no_other(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "narrow", concurrency={"nodes": 1})
        await save(runtime, "acme", "wide")
        narrow = [await start(runtime, "acme", "narrow") for _ in range(3)]
        wide = [await start(runtime, "acme", "wide") for _ in range(2)]
        await gated.until_begun(3)
        assert [execution for _, execution in gated.begun] == [narrow[0], *wide]
        gated.let_end(narrow[0])
        await gated.until_begun(4)
        assert gated.begun[-1][1] == narrow[1]
        gated.open.set()
        assert [await ended(runtime, one) for one in [*narrow, *wide]] == ["completed"] * 5


async def test_limits_and_the_queue_survive_a_restart(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", shutdown_grace=0.0) as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        ids = [await start(runtime, "acme") for _ in range(3)]
        await gated.until_begun(1)
    again = Gated()
    async with gated_runtime(tmp_path, again, shutdown_grace=0.0) as runtime:
        await again.until_begun(1)
        newest = await start(runtime, "acme")
        assert [await status(runtime, one) for one in [*ids, newest]] == ["running", "queued", "queued", "queued"]
        again.open.set()
        assert [await ended(runtime, one) for one in [*ids, newest]] == ["completed"] * 4
        assert [execution for _, execution in again.begun] == [*ids, newest]
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_key_that_asks_for_the_time_means_that_of_the_start_after_a_restart_too(tmp_path: Path) -> None:
    clock, gated, again = ManualClock(), Gated(), Gated()
    async with gated_runtime(tmp_path, gated, "acme", clock=clock, shutdown_grace=0.0) as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "key": "now()[:10]"})
        yesterdays = [await start(runtime, "acme") for _ in range(2)]
        await gated.until_begun(1)
    clock.advance(86_400)
    async with gated_runtime(tmp_path, again, clock=clock, shutdown_grace=0.0) as runtime:
        todays = await start(runtime, "acme")
        await again.until_begun(2)
        assert [await status(runtime, one) for one in [*yesterdays, todays]] == ["running", "queued", "running"]


async def test_a_flooding_tenant_delays_another_by_one_turn_at_most(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "flood", "calm", worker_webhook=4) as runtime:
        for tenant in ("flood", "calm"):
            await save(runtime, tenant)
        flood = await asyncio.gather(*(start(runtime, "flood") for _ in range(500)))
        await gated.until_begun(4)
        calm = await start(runtime, "calm")
        for _ in range(2):  # One of the flood may be served before it, for the ring was at its turn.
            gated.let_end(gated.begun[0][1])
            gated.begun.pop(0)
            await gated.until_begun(4)
        assert ("calm", calm) in gated.begun
        gated.open.set()
        assert await ended(runtime, calm) == "completed"
        assert {await ended(runtime, one) for one in flood} == {"completed"}


async def test_one_that_was_paused_in_the_queue_still_waits_for_its_place_after_a_restart(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", shutdown_grace=0.0) as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        first, second = await start(runtime, "acme"), await start(runtime, "acme")
        await gated.until_begun(1)
        await runtime.mediator.send(PauseExecution(tenant_id="acme", execution_id=second), OPERATOR)
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await runtime.mediator.send(ResumeExecution(tenant_id="acme", execution_id=second), OPERATOR)
        assert await status(runtime, second) == "queued"
        gated.open.set()
        assert [await ended(runtime, one) for one in (first, second)] == ["completed", "completed"]


async def set_limit(runtime, most: int | None, at_limit: str = "queue") -> None:
    message = SetTenantLimits(tenant_id="acme", running_executions=most, at_limit=at_limit)
    await runtime.mediator.send(message, OPERATOR)


async def test_a_limit_that_was_lifted_and_set_again_counts_no_ghosts_and_what_runs(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme")
        await set_limit(runtime, 2)
        first = [await start(runtime, "acme") for _ in range(2)]
        await gated.until_begun(2)
        await set_limit(runtime, None)
        for one in first:
            gated.let_end(one)
            assert await ended(runtime, one) == "completed"
        second = await start(runtime, "acme")
        await gated.until_begun(3)
        await set_limit(runtime, 2)
        third, fourth = [await start(runtime, "acme") for _ in range(2)]
        assert [await status(runtime, one) for one in (second, third, fourth)] == ["running", "running", "queued"]
        gated.open.set()
        assert await ended(runtime, fourth) == "completed"


@pytest.mark.parametrize("at_limit", ["queue", "reject", "cancel_oldest"])
async def test_what_is_called_runs_in_the_place_of_its_caller(tmp_path: Path, at_limit: str) -> None:
    async with gated_runtime(tmp_path, gated := Gated(), "acme") as runtime:
        await save(runtime, "acme", "child")
        nodes = [{"id": "t", "type": "manual"}, {"id": "call", "type": "workflow", "params": {"workflow_id": "child"}}]
        concurrency = {"limit": 2, "at_limit": at_limit}
        await save(runtime, "acme", "parent", nodes=nodes, edges=TO_CALL, concurrency=concurrency)
        await set_limit(runtime, 2, at_limit)
        parents = [await start(runtime, "acme", "parent") for _ in range(2)]
        await gated.until_begun(2)
    async with gated_runtime(tmp_path, again := Gated(), "acme") as runtime:
        await again.until_begun(2)
        again.open.set()
        assert [await ended(runtime, one) for one in parents] == ["completed", "completed"]


async def test_a_workflow_that_calls_itself_needs_one_place(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        params = {"workflow_id": "own", "input": "{{ input - 1 }}"}
        nodes = [{"id": "t", "type": "manual"}, {"id": "call", "type": "workflow", "params": params}]
        edges = [{**TO_CALL[0], "condition": "input > 0"}]
        await save(runtime, "acme", "own", nodes=nodes, edges=edges, concurrency={"limit": 1})
        first = await start(runtime, "acme", "own", body=3)
        assert await ended(runtime, first) == "completed"


@pytest.mark.parametrize("at_limit", ["queue", "reject"])
async def test_workflows_that_call_one_another_crosswise_at_their_limits_end(tmp_path: Path, at_limit: str) -> None:
    async with gated_runtime(tmp_path, gated := Gated(), "acme") as runtime:
        concurrency = {"limit": 1, "at_limit": at_limit}
        for own, other in (("a", "b"), ("b", "a")):
            params = {"workflow_id": other, "input": "{{ trigger.body - 1 }}"}
            nodes = [{"id": "t", "type": "manual"}, {"id": "g", "type": "gated"}]
            nodes.append({"id": "call", "type": "workflow", "params": params})
            edges = [{"source": "t", "target": "g"}, {"source": "g", "target": "call", "condition": "trigger.body > 0"}]
            await save(runtime, "acme", own, nodes=nodes, edges=edges, concurrency=concurrency)
        first, second = await start(runtime, "acme", "a", body=1), await start(runtime, "acme", "b", body=1)
        await gated.until_begun(2)
        gated.let_end(first)  # What it calls waits for the second one's place.
        async with asyncio.timeout(10):
            while not await listed(runtime, "queued"):  # noqa: ASYNC110 - a row of a table
                await asyncio.sleep(0)
    async with gated_runtime(tmp_path, again := Gated(), "acme") as runtime:
        await again.until_begun(1)
        again.open.set()
        assert [await ended(runtime, one) for one in (first, second)] == ["completed", "completed"]
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_of_many_that_come_at_once_the_newest_stays(tmp_path: Path) -> None:
    gated = Gated(stubborn=True)
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": "cancel_oldest"})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        others = [await start(runtime, "acme") for _ in range(3)]
        for one in others[:2]:
            assert await ended(runtime, one) == "cancelled"
        gated.let_end(first)
        await gated.until_begun(2)
        assert await status(runtime, others[2]) == "running"
        gated.open.set()


async def test_a_higher_limit_is_that_of_earlier_versions_too(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        ids = [await start(runtime, "acme") for _ in range(3)]
        await gated.until_begun(1)
        await save(runtime, "acme", concurrency={"limit": 2})
        await gated.until_begun(2)
        assert [await status(runtime, one) for one in ids] == ["running", "running", "queued"]
        gated.open.set()
        assert [await ended(runtime, one) for one in ids] == ["completed"] * 3


async def test_the_queue_of_a_tenant_keeps_its_order_over_a_restart(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "a")
        await save(runtime, "acme", "z")
        await set_limit(runtime, 1)
        ids = [await start(runtime, "acme", name) for name in "zazaz"]
        await gated.until_begun(1)
    again = Gated()
    async with gated_runtime(tmp_path, again, "acme") as runtime:
        again.open.set()
        assert [await ended(runtime, one) for one in ids] == ["completed"] * 5
        assert [execution for _, execution in again.begun] == ids


@pytest.mark.parametrize("over_a_restart", [False, True])
async def test_a_paused_execution_begins_nothing_also_when_its_job_had_waited(
    tmp_path: Path, *, over_a_restart: bool
) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"nodes": 1})
        first, second, third = [await start(runtime, "acme") for _ in range(3)]
        await gated.until_begun(1)
        await runtime.mediator.send(PauseExecution(tenant_id="acme", execution_id=second), OPERATOR)
        if not over_a_restart:
            gated.let_end(first)
            await gated.until_begun(2)
            assert gated.begun[1][1] == third
            await resume(runtime, second, gated)
    if over_a_restart:
        again = Gated()
        async with gated_runtime(tmp_path, again, "acme") as runtime:
            again.let_end(first)
            await again.until_begun(2)
            assert [execution for _, execution in again.begun] == [first, third]
            await resume(runtime, second, again)


async def resume(runtime, execution_id: str, gated: Gated) -> None:
    await runtime.mediator.send(ResumeExecution(tenant_id="acme", execution_id=execution_id), OPERATOR)
    gated.open.set()
    assert await ended(runtime, execution_id) == "completed"


async def test_a_paused_execution_whose_job_waits_can_be_cancelled(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"nodes": 1})
        first, second = [await start(runtime, "acme") for _ in range(2)]
        await gated.until_begun(1)
        await runtime.mediator.send(PauseExecution(tenant_id="acme", execution_id=second), OPERATOR)
        gated.let_end(first)
        assert await ended(runtime, first) == "completed"
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=second), OPERATOR)
        assert await ended(runtime, second) == "cancelled"
        third = await start(runtime, "acme")
        gated.open.set()
        assert await ended(runtime, third) == "completed"
        assert [execution for _, execution in gated.begun] == [first, third]
