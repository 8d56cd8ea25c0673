"""Workflows that call workflows, on the real runtime."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, save, start
from support.invariants import check_database

from flowrun.bus import OPERATOR
from flowrun.commands.execution_commands import (
    CancelExecution,
    PauseExecution,
    ResumeExecution,
    RetryExecution,
    SkipNode,
)
from flowrun.commands.rerun_execution import RerunExecution
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.errors import InvalidInputError
from flowrun.queries.get_execution import GetExecution


async def save_nodes(runtime: Any, workflow: str, *nodes: dict[str, Any]) -> None:
    """A row of nodes behind a manual trigger."""
    row = [{"id": "t", "type": "manual"}, *nodes]
    edges = [f"{one['id']} -> {other['id']}" for one, other in pairwise(row)]
    document: Any = {"id": workflow, "name": workflow, "nodes": row, "edges": edges}
    await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id=workflow, document=document), OPERATOR)


def call(workflow: str, **params: Any) -> dict[str, Any]:
    return {"id": "call", "type": "workflow", "params": {"workflow_id": workflow, **params}}


async def waiting_caller(runtime: Any, gated: Gated) -> tuple[str, str]:
    """An execution of `main` whose one node waits for one of `long`, which has begun: both ids."""
    await save(runtime, "acme", "long")
    await save_nodes(runtime, "main", call("long"))
    execution = await start(runtime, "acme", "main")
    await gated.until_begun(1)
    return execution, gated.begun[0][1]


async def shown(runtime: Any, execution: str) -> Any:
    return await runtime.mediator.send(GetExecution(tenant_id="acme", execution_id=execution), OPERATOR)


def count(folder: Path, workflow: str) -> int:
    with closing(sqlite3.connect(folder / "flowrun.db")) as db:
        return db.execute("SELECT count(*) FROM executions WHERE workflow_id = ?", (workflow,)).fetchone()[0]


def states(folder: Path, *, each: bool = False) -> Any:
    """The state of each workflow's one execution; of every execution with `each`."""
    with closing(sqlite3.connect(folder / "flowrun.db")) as db:
        rows = db.execute("SELECT workflow_id, status FROM executions").fetchall()
    return rows if each else dict(rows)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(2_000):
        if await look():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not within ten seconds")


async def becomes(runtime: Any, execution: str, status: str) -> None:
    async def is_so() -> bool:
        return bool((await shown(runtime, execution))["status"] == status)

    await until(is_so)


async def calls_are_settled(folder: Path) -> None:
    async def are_settled() -> bool:
        with closing(sqlite3.connect(folder / "flowrun.db")) as db:
            return db.execute("SELECT count(*) FROM timers WHERE kind IN ('call', 'answer')").fetchone()[0] == 0

    await until(are_settled)


async def test_a_called_workflows_output_is_the_nodes(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_nodes(runtime, "double", {"id": "d", "type": "transform", "params": {"value": "{{ input.n * 2 }}"}})
        await save_nodes(runtime, "main", call("double", input={"n": "{{ input + 1 }}"}))
        execution = await start(runtime, "acme", "main", body=20)
        assert await ended(runtime, execution) == "completed"
        assert (await shown(runtime, execution))["output"] == 42
    assert count(tmp_path, "double") == 1
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_without_wait_the_node_is_done_when_the_other_has_begun(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "long")
        await save_nodes(runtime, "main", call("long", wait=False))
        execution = await start(runtime, "acme", "main")
        assert await ended(runtime, execution) == "completed"
        child = (await shown(runtime, execution))["output"]["execution_id"]
        gated.open.set()
        assert await ended(runtime, child) == "completed"


async def test_the_failure_of_a_called_workflow_is_the_nodes(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_nodes(runtime, "bad", {"id": "f", "type": "fail", "params": {"message": "no", "type": "unlucky"}})
        await save_nodes(runtime, "main", call("bad"))
        execution = await start(runtime, "acme", "main")
        assert await ended(runtime, execution) == "failed"
        error = (await shown(runtime, execution))["error"]
        assert (error["type"], error["details"]["error"]["type"]) == ("workflow_failed", "unlucky")
        # A retry calls anew.
        await runtime.mediator.send(RetryExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert await ended(runtime, execution) == "failed"
    assert count(tmp_path, "bad") == 2
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_workflow_that_cannot_be_called_fails_the_node(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_nodes(runtime, "main", call("nobody"))
        execution = await start(runtime, "acme", "main")
        assert await ended(runtime, execution) == "failed"
        assert (await shown(runtime, execution))["error"]["type"] == "workflow_not_started"


async def test_workflows_that_call_one_another_for_ever_come_to_an_end(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_nodes(runtime, "main", call("main"))
        execution = await start(runtime, "acme", "main")
        assert await ended(runtime, execution) == "failed"
    assert count(tmp_path, "main") == 17
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_caller_waits_over_a_restart_and_the_other_runs_once(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", shutdown_grace=0.0) as runtime:
        execution, _ = await waiting_caller(runtime, gated)
    again = Gated()
    async with gated_runtime(tmp_path, again, shutdown_grace=0.0) as runtime:
        await again.until_begun(1)
        assert (await shown(runtime, execution))["status"] == "waiting"
        again.open.set()
        assert await ended(runtime, execution) == "completed"
    assert count(tmp_path, "long") == 1
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_cancel_reaches_the_called_and_what_that_calls(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "long")
        await save_nodes(runtime, "middle", call("long"))
        await save_nodes(runtime, "main", call("middle"))
        execution = await start(runtime, "acme", "main")
        await gated.until_begun(1)
        leaf = gated.begun[0][1]
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert await ended(runtime, execution) == "cancelled"
        assert await ended(runtime, leaf) == "cancelled"
        assert (await shown(runtime, leaf))["reason"] == "its caller has stopped"
    assert states(tmp_path) == {"main": "cancelled", "middle": "cancelled", "long": "cancelled"}
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_the_called_stops_when_its_caller_fails_or_is_skipped(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        execution, called = await waiting_caller(runtime, gated)
        skip = SkipNode(tenant_id="acme", execution_id=execution, node_id="call", output="by hand")
        await runtime.mediator.send(skip, OPERATOR)
        assert await ended(runtime, execution) == "completed"
        assert await ended(runtime, called) == "cancelled"
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_the_end_of_an_earlier_call_is_not_that_of_the_present_one(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        execution, earlier = await waiting_caller(runtime, gated)
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert await ended(runtime, earlier) == "cancelled"
        await runtime.mediator.send(RetryExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        await gated.until_begun(2)
        await runtime.mediator.send(RetryExecution(tenant_id="acme", execution_id=earlier), OPERATOR)
        gated.let_end(earlier)
        assert await ended(runtime, earlier) == "completed"
        await calls_are_settled(tmp_path)
        assert (await shown(runtime, execution))["status"] == "waiting"
        gated.let_end(gated.begun[1][1])
        assert await ended(runtime, execution) == "completed"
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_the_called_that_nobody_waits_for_goes_on(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "long")
        delay = {"id": "d", "type": "delay", "params": {"for": "1h"}}
        await save_nodes(runtime, "main", call("long", wait=False), delay)
        execution = await start(runtime, "acme", "main")
        await gated.until_begun(1)
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert await ended(runtime, execution) == "cancelled"
        gated.open.set()
        assert await ended(runtime, gated.begun[0][1]) == "completed"


async def test_pause_and_resume_reach_the_called(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        tail = {"id": "after", "type": "noop"}
        await save_nodes(runtime, "long", {"id": "g", "type": "gated"}, tail)
        await save_nodes(runtime, "main", call("long"))
        execution = await start(runtime, "acme", "main")
        await gated.until_begun(1)
        called = gated.begun[0][1]
        await runtime.mediator.send(PauseExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        await becomes(runtime, called, "paused")
        gated.open.set()
        await runtime.mediator.send(ResumeExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert await ended(runtime, execution) == "completed"
    assert states(tmp_path) == {"main": "completed", "long": "completed"}
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_call_that_is_cancelled_at_any_moment_leaves_nothing_running(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "long")
        await save_nodes(runtime, "main", call("long"))
        for steps in range(25):
            execution = await start(runtime, "acme", "main")
            for _ in range(steps):
                await asyncio.sleep(0)
            await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=execution), OPERATOR)
            assert await ended(runtime, execution) == "cancelled"
        await calls_are_settled(tmp_path)
    assert set(states(tmp_path, each=True)) <= {("main", "cancelled"), ("long", "cancelled")}
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_a_rerun_of_the_called_is_no_answer_to_the_caller(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        caller, called = await waiting_caller(runtime, gated)
        again = await runtime.mediator.send(RerunExecution(tenant_id="acme", execution_id=called), OPERATOR)
        await gated.until_begun(2)
        gated.let_end(again["execution_id"])
        assert await ended(runtime, again["execution_id"]) == "completed"
        await calls_are_settled(tmp_path)
        assert (await shown(runtime, caller))["status"] == "waiting"
        assert (await shown(runtime, again["execution_id"]))["trigger"]["caller"]["execution_id"] == caller
        gated.let_end(called)
        assert await ended(runtime, caller) == "completed"
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_what_is_called_or_run_again_gets_the_inputs_that_it_declares(tmp_path: Path) -> None:
    inputs = {"customer": {"type": "string", "required": True}, "limit": {"type": "integer", "default": 10}}
    row = [{"id": "t", "type": "manual", "params": {"inputs": inputs}}, {"id": "n", "type": "noop"}]
    document: Any = {"id": "kid", "nodes": row, "edges": ["t -> n"]}
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id="kid", document=document), OPERATOR)
        await save_nodes(runtime, "main", call("kid", input="{{ input }}"))
        good = await start(runtime, "acme", "main", body={"customer": "ada"})
        assert await ended(runtime, good) == "completed"
        assert (await shown(runtime, good))["output"] == {"customer": "ada", "limit": 10}
        bad = await start(runtime, "acme", "main", body={"customer": 5, "limit": "many"})
        assert await ended(runtime, bad) == "failed"
        error = (await shown(runtime, bad))["error"]
        assert error["type"] == "workflow_not_started"
        assert "input.customer: must be a text; input.limit: must be a whole number" in error["message"]
        kid = await start(runtime, "acme", "kid", body={"customer": "ada", "limit": 1})
        assert await ended(runtime, kid) == "completed"
        edited = RerunExecution(tenant_id="acme", execution_id=kid, input={"customer": "bob"}, edited=True)
        again = (await runtime.mediator.send(edited, OPERATOR))["execution_id"]
        assert await ended(runtime, again) == "completed"
        assert (await shown(runtime, again))["output"] == {"customer": "bob", "limit": 10}
        with pytest.raises(InvalidInputError):
            await runtime.mediator.send(replace(edited, input={}), OPERATOR)


async def test_drain_lets_the_called_finish_too(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", "long")
        bad = {"id": "bad", "type": "fail", "params": {"message": "no"}, "on_error": "drain"}
        row = [{"id": "t", "type": "manual"}, call("long"), {"id": "after", "type": "noop"}, bad]
        document: Any = {"id": "main", "nodes": row, "edges": ["t -> call", "call -> after", "t -> bad"]}
        await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id="main", document=document), OPERATOR)
        execution = await start(runtime, "acme", "main")
        await gated.until_begun(1)
        assert (await shown(runtime, execution))["status"] == "running"
        gated.open.set()
        assert await ended(runtime, execution) == "failed"
    assert states(tmp_path) == {"main": "failed", "long": "completed"}
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)
