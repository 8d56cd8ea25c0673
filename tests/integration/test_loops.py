"""Loops on the real runtime: through the database, a restart, and what a user is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, start
from support.invariants import check_database

from flowrun.bus import OPERATOR
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.queries.get_execution import GetExecution
from flowrun.queries.get_node_run import GetNodeRun
from flowrun.queries.list_node_runs import ListNodeRuns


async def save_loop(runtime: Any, body: dict[str, Any], **params: Any) -> None:
    document: Any = {
        "id": "w",
        "name": "w",
        "nodes": [
            {"id": "t", "type": "manual"},
            {"id": "each", "type": "for_each", "params": {"items": "input", **params}},
            {"id": "body", **body},
        ],
        "edges": ["t -> each", {"source": "each", "target": "body", "source_handle": "each"}],
    }
    await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id="w", document=document), OPERATOR)


async def test_each_iteration_can_be_read_back(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_loop(runtime, {"type": "transform", "params": {"value": "{{ [item.n, index] }}"}})
        execution = await start(runtime, "acme", body=[{"n": 7}, {"n": 8}])
        assert await ended(runtime, execution) == "completed"
        asked = {"tenant_id": "acme", "execution_id": execution}
        listed = (await runtime.mediator.send(ListNodeRuns(**asked), OPERATOR))["items"]
        shown = [(run["node_id"], run["iteration"], run["input"], run["output"]) for run in listed]
        assert shown == [
            ("t", "", [{"n": 7}, {"n": 8}], [{"n": 7}, {"n": 8}]),
            ("each", "", [{"n": 7}, {"n": 8}], [[7, 0], [8, 1]]),
            ("body", "0", {"n": 7}, [7, 0]),
            ("body", "1", {"n": 8}, [8, 1]),
        ]
        one = await runtime.mediator.send(GetNodeRun(**asked, node_id="body", iteration="1"), OPERATOR)
        assert (one["input"], one["output"]) == ({"n": 8}, [8, 1])
        found = await runtime.mediator.send(GetExecution(**asked), OPERATOR)
        assert found["output"] == [[7, 0], [8, 1]]


async def test_a_loop_carries_on_after_a_restart(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", shutdown_grace=0.0) as runtime:
        await save_loop(runtime, {"type": "gated"}, concurrency=2)
        execution = await start(runtime, "acme", body=[1, 2, 3, 4, 5])
        await gated.until_begun(2)
    again = Gated()
    async with gated_runtime(tmp_path, again, shutdown_grace=0.0) as runtime:
        await again.until_begun(2)
        again.open.set()
        assert await ended(runtime, execution) == "completed"
        assert len(again.begun) == 5
        found = await runtime.mediator.send(GetExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert found["output"] == [None] * 5
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


async def test_ten_thousand_items_go_through_in_turns_that_others_can_get_between(tmp_path: Path) -> None:
    async with gated_runtime(tmp_path, Gated(), "acme") as runtime:
        await save_loop(runtime, {"type": "transform", "params": {"value": "{{ item + 1 }}"}})
        execution = await start(runtime, "acme", body=list(range(10_000)))
        assert await ended(runtime, execution) == "completed"
        found = await runtime.mediator.send(GetExecution(tenant_id="acme", execution_id=execution), OPERATOR)
        assert found["output"] == list(range(1, 10_001))
