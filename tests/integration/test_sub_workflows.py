"""Workflows that call workflows, on the real runtime."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, save, start
from support.invariants import check_database

from flowrun.bus import OPERATOR
from flowrun.commands.execution_commands import RetryExecution
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.queries.get_execution import GetExecution


async def save_nodes(runtime: Any, workflow: str, *nodes: dict[str, Any]) -> None:
    """A row of nodes behind a manual trigger."""
    row = [{"id": "t", "type": "manual"}, *nodes]
    edges = [f"{one['id']} -> {other['id']}" for one, other in pairwise(row)]
    document: Any = {"id": workflow, "name": workflow, "nodes": row, "edges": edges}
    await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id=workflow, document=document), OPERATOR)


def call(workflow: str, **params: Any) -> dict[str, Any]:
    return {"id": "call", "type": "workflow", "params": {"workflow_id": workflow, **params}}


async def shown(runtime: Any, execution: str) -> Any:
    return await runtime.mediator.send(GetExecution(tenant_id="acme", execution_id=execution), OPERATOR)


def count(folder: Path, workflow: str) -> int:
    with closing(sqlite3.connect(folder / "flowrun.db")) as db:
        return db.execute("SELECT count(*) FROM executions WHERE workflow_id = ?", (workflow,)).fetchone()[0]


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
        await save(runtime, "acme", "long")
        await save_nodes(runtime, "main", call("long"))
        execution = await start(runtime, "acme", "main")
        await gated.until_begun(1)
    again = Gated()
    async with gated_runtime(tmp_path, again, shutdown_grace=0.0) as runtime:
        await again.until_begun(1)
        assert (await shown(runtime, execution))["status"] == "waiting"
        again.open.set()
        assert await ended(runtime, execution) == "completed"
    assert count(tmp_path, "long") == 1
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)
