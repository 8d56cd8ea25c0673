"""The engine on a real database: graphs run to their ends, and what is stored of them is true."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from support.held_commits import no_commits, until
from support.manual_clock import ManualClock
from support.runtime import Bench, bench, for_ever, rows

from flowrun.commands.execution_commands import (
    CancelExecution,
    PauseExecution,
    ResumeExecution,
    RetryExecution,
    SkipNode,
    TerminateExecution,
)
from flowrun.domain.node_type import Completed, Failed
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence.execution_store import ExecutionStore

pytestmark = pytest.mark.anyio


async def test_chain_runs_to_its_end(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a -> b -> c")
        ending = await b.end(await b.start({"x": 1}))
        assert (ending.status, ending.output["node"]) == ("completed", "c")
        assert b.step.jobs[0].input == {"x": 1}
        assert [job.node_id for job in b.step.jobs] == ["a", "b", "c"]


async def test_fan_of_a_hundred_nodes_meets_in_one(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("; ".join(f"t -> n{number} -> last" for number in range(100)))
        ending = await b.end(await b.start())
        assert ending.status == "completed"
        assert set(b.step.runs.values()) == {1}
        assert list(b.step.jobs[-1].input) == [f"n{number}" for number in range(100)]


async def test_hundred_executions_of_three_tenants_are_never_mixed_up(tmp_path):
    tenants = ("acme", "bolt", "core")
    async with bench(tmp_path, worker_webhook=8, cache_executions=10) as b:
        for tenant in tenants:
            await b.save("t -> a -> c -> e; t -> b -> c; c -> f", tenant=tenant)
        pairs = [(tenants[number % 3], number) for number in range(100)]
        ids = await asyncio.gather(*(b.start({"number": number}, tenant=tenant) for tenant, number in pairs))
        endings = await asyncio.gather(*map(b.end, ids))
        assert Counter(ending.status for ending in endings) == {"completed": 100}
    for execution_id, (tenant, number) in zip(ids, pairs, strict=True):
        assert_only_its_own(tmp_path, execution_id, tenant, number)


def assert_only_its_own(data_dir, execution_id, tenant, number):
    """Every output and input of the execution is its own: the inputs are those of the jobs, from the events."""
    query = "SELECT * FROM execution_events WHERE execution_id = ? AND type = ? ORDER BY seq"
    (created,) = rows(data_dir, query, execution_id, "ExecutionCreated")
    assert created["data"]["trigger"]["body"] == {"number": number}
    done = {row["node_id"]: row["data"]["output"] for row in rows(data_dir, query, execution_id, "NodeCompleted")}
    own = {node: {"tenant": tenant, "execution": execution_id, "node": node} for node in "abcef"}
    assert done == {"t": {"number": number}, **own}
    found = rows(data_dir, "SELECT node_id, sources FROM node_executions WHERE execution_id = ?", execution_id)
    assert {row["node_id"]: row["sources"] for row in found if row["node_id"] != "t"} == {
        "a": ["t"],
        "b": ["t"],
        "c": ["a", "b"],
        "e": ["c"],
        "f": ["c"],
    }
    (row,) = rows(data_dir, "SELECT tenant_id, status FROM executions WHERE id = ?", execution_id)
    assert row == {"tenant_id": tenant, "status": "completed"}


async def test_workers_are_given_the_inputs_of_their_own_execution(tmp_path):
    async with bench(tmp_path, worker_webhook=4) as b:
        for tenant in ("acme", "bolt"):
            await b.save("t -> a -> c; t -> b -> c", tenant=tenant)
        ids = await asyncio.gather(*(b.start(n, tenant=("acme", "bolt")[n % 2]) for n in range(20)))
        await asyncio.gather(*map(b.end, ids))
        bodies = dict(zip(ids, range(20), strict=True))
        for job in b.step.jobs:
            if job.node_id == "c":
                parents = {part["execution"] for part in job.input.values()}
                tenants = {part["tenant"] for part in job.input.values()}
                assert (parents, tenants) == ({job.execution_id}, {job.tenant_id})
            else:
                assert job.input == bodies[job.execution_id]


# --- commands


async def test_cancel_reaches_a_running_worker(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a -> b; t -> c")
        execution_id = await b.start()
        await b.step.begun("a")
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id, reason="wrong"))
        assert (await b.end(execution_id)).status == "cancelled"
        assert b.step.stopped == ["a"]
    (row,) = rows(tmp_path, "SELECT status, reason FROM executions")
    assert row == {"status": "cancelled", "reason": "wrong"}


async def test_cancel_of_jobs_that_no_worker_has_begun_needs_no_worker(tmp_path):
    async with bench(tmp_path, worker_webhook=1) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a; t -> b; t -> c")
        execution_id = await b.start()
        await b.step.begun("a")
        await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "cancelled"
        assert b.step.runs == {"a": 1}


async def test_terminate_and_failure_stop_running_workers_and_free_their_places(tmp_path):
    async with bench(tmp_path, worker_webhook=2) as b:
        b.step.plays["slow"] = for_ever
        b.step.plays["bad"] = failing(times=99, retryable=False)
        await b.save("t -> slow", workflow="w1")
        await b.save("t -> slow; t -> bad", workflow="w2")
        await b.save("t -> a -> c; t -> b -> c", workflow="w3")
        first = await b.start(workflow="w1")
        await b.step.begun("slow")
        await b.send(TerminateExecution(tenant_id="acme", execution_id=first))
        assert (await b.end(first)).status == "cancelled"
        assert (await b.end(await b.start(workflow="w2"))).status == "failed"
        assert (await b.end(await b.start(workflow="w3"))).status == "completed"
        assert b.step.runs["slow"] <= 2


async def test_pause_starts_nothing_new_and_resume_carries_on(tmp_path):
    async with bench(tmp_path) as b:
        gate = asyncio.Event()
        b.step.plays["a"] = waiting_for(gate)
        await b.save("t -> a -> b")
        execution_id = await b.start()
        await b.step.begun("a")
        paused = await b.send(PauseExecution(tenant_id="acme", execution_id=execution_id))
        assert paused["status"] == "paused"
        gate.set()
        await until_state(b, tmp_path, execution_id, "a", "completed")
        assert b.step.runs["b"] == 0
        await b.send(ResumeExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "completed"


async def test_failed_execution_that_is_retried_keeps_what_was_completed(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["b"] = failing(times=1, retryable=False)
        await b.save("t -> a -> b -> c")
        execution_id = await b.start()
        ending = await b.end(execution_id)
        assert (ending.status, ending.error["type"]) == ("failed", "boom")
        await b.send(RetryExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "completed"
        assert b.step.runs == {"a": 1, "b": 2, "c": 1}


async def test_operator_skips_a_stuck_node(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a -> b")
        execution_id = await b.start()
        await b.step.begun("a")
        await b.send(SkipNode(tenant_id="acme", execution_id=execution_id, node_id="a", output={"by": "hand"}))
        assert (await b.end(execution_id)).status == "completed"
        assert b.step.jobs[-1].input == {"by": "hand"}


async def test_impossible_command_and_a_foreign_tenant_are_refused(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a")
        execution_id = await b.start()
        await b.end(execution_id)
        with pytest.raises(ConflictError, match="completed"):
            await b.send(PauseExecution(tenant_id="acme", execution_id=execution_id))
        with pytest.raises(NotFoundError):
            await b.send(RetryExecution(tenant_id="bolt", execution_id=execution_id))
        with pytest.raises(NotFoundError):
            await b.send(RetryExecution(tenant_id="acme", execution_id="nobody"))


# --- time


async def test_retry_waits_its_interval_and_then_succeeds(tmp_path):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        b.step.plays["a"] = failing(times=2)
        await b.save("t -> a")
        execution_id = await b.start()
        for attempt, seconds in ((1, 1), (2, 2)):
            await until_state(b, tmp_path, execution_id, "a", "retrying")
            assert b.step.runs["a"] == attempt
            clock.advance(seconds)
            await b.step.begun("a", attempt + 1)
        assert (await b.end(execution_id)).status == "completed"
        assert len({job.idempotency_key for job in b.step.jobs}) == 1


async def test_delay_wakes_an_execution_that_is_no_longer_in_memory(tmp_path):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock, cache_executions=1) as b:
        await b.save('t -> w -> a; w: delay {"for": "2h"}')
        ids = [await b.start(number) for number in range(5)]
        assert b.engine.in_memory <= 1
        clock.advance(7200)
        endings = await asyncio.gather(*map(b.end, ids))
        assert {ending.status for ending in endings} == {"completed"}
        assert sorted(job.input for job in b.step.jobs) == [0, 1, 2, 3, 4]


async def test_workflow_timeout_ends_the_execution_and_starts_its_error_workflow_once(tmp_path):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        b.step.plays["a"] = for_ever
        b.step.plays["alarm"] = failing(times=9, retryable=False)
        await b.save("t -> alarm", workflow="handler", on_error="w")
        await b.save("t -> a", timeout=30.0, on_error="handler")
        execution_id = await b.start()
        await b.step.begun("a")
        clock.advance(30)
        assert (await b.end(execution_id)).status == "timed_out"
        clock.advance(1)
        await b.step.begun("alarm")
        handler = b.step.jobs[-1]
        assert (handler.input["execution_id"], handler.input["error"]["type"]) == (execution_id, "execution_timeout")
        assert (await b.end(handler.execution_id)).status == "failed"
        clock.advance(60)
        assert b.step.runs == {"a": 1, "alarm": 1}
    assert rows(tmp_path, "SELECT * FROM timers") == []


# --- waiting for the end


async def test_two_callers_may_ask_for_the_end_of_an_execution_that_is_long_over(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a")
        execution_id = await b.start()
        await b.end(execution_id)
        endings = await asyncio.gather(*(b.end(execution_id) for _ in range(5)))
        assert {ending.status for ending in endings} == {"completed"}


async def test_who_started_it_to_wait_for_it_reads_nothing_however_late_he_comes(tmp_path, monkeypatch):
    """The last result may have been decided, and its commit be on the way, when the caller comes to wait."""
    loaded = []
    load = ExecutionStore.load

    async def counted(self, execution_id):
        loaded.append(execution_id)
        return await load(self, execution_id)

    monkeypatch.setattr(ExecutionStore, "load", counted)
    gate = asyncio.Event()
    async with bench(tmp_path) as b:
        b.step.plays["a"] = waiting_for(gate)
        await b.save("t -> a")
        early, late = await b.start(), await b.start()
        await b.step.begun("a", 2)
        async with no_commits(b.runtime) as writer:
            gate.set()
            await until(lambda: writer.waiting >= 2)
            asked = asyncio.create_task(b.end(early))
            await asyncio.sleep(0)
        assert (await asked).status == "completed"
        await until(lambda: not b.engine.in_memory)
        assert (await b.end(late)).status == "completed"
    assert loaded == []


async def test_asking_for_the_end_of_what_never_was_is_an_error_for_everybody(tmp_path):
    async with bench(tmp_path) as b:
        asked = (b.engine.ending("nobody", response=False, timeout=0.05) for _ in range(3))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(error) for error in found] == [NotFoundError] * 3


def failing(times: int, *, retryable: bool = True):
    """A play that fails so often, then completes."""
    left = times

    async def play(_job):
        nonlocal left
        left -= 1
        return Failed("boom", "as played", retryable=retryable) if left >= 0 else Completed("done")

    return play


def waiting_for(gate: asyncio.Event):
    """A play that completes when the gate opens."""

    async def play(_job):
        await gate.wait()
        return Completed("done")

    return play


async def until_state(b: Bench, data_dir, execution_id: str, node: str, state: str) -> None:
    """Return when the node's state has been committed."""
    query = "SELECT status FROM node_executions WHERE execution_id = ? AND node_id = ?"
    async with asyncio.timeout(20):
        while [row["status"] for row in rows(data_dir, query, execution_id, node)] != [state]:
            # A transaction of our own comes back when the writer has done what stood before it.
            await b.runtime.context.writer.transact(lambda _connection: None)
