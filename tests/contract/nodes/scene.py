"""Runs the scenes of cases on the real engine, and says what became of the node `n`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from contract.nodes.cases.case import Case, EngineCase, Scene
from support.runtime import PATIENCE, Bench, rows

from flowrun.queries.get_node_run import GetNodeRun

HANDLING = {"fail": (), "continue": ("on_error n continue",), "error_output": ("n -error-> e; e: noop",)}
"""What may follow a failure, and the statements that ask for it."""


def matches(expected: Any, found: Any) -> bool:
    """Whether it is the expected value, or the one that a function of the case takes."""
    return bool(expected(found)) if callable(expected) else expected == found


async def save(b: Bench, case: Case, scene: Scene, *more: str, **settings: Any) -> None:
    """Save the scene as the workflow `w`, and what it calls."""
    if isinstance(case, EngineCase):
        for workflow, text in case.called.items():
            await b.save(text, workflow=workflow)
    await b.save(scene.text(case.type, *more), **settings)


async def run(b: Bench, execution_id: str, node: str = "n") -> Any:
    """The document of a node's run."""
    return await b.send(GetNodeRun(tenant_id="acme", execution_id=execution_id, node_id=node, iteration=""))


async def becomes(b: Bench, execution_id: str, *status: str) -> None:
    """Return when `n` is in one of the states."""
    async with asyncio.timeout(PATIENCE):
        while (await run(b, execution_id))["status"] not in status:
            # A transaction of our own comes back when the writer has done what stood before it.
            await b.runtime.context.writer.transact(lambda _connection: None)


def history(data_dir: Path, execution_id: str) -> list[dict[str, Any]]:
    """The stored events, in their order."""
    return rows(data_dir, "SELECT * FROM execution_events WHERE execution_id = ? ORDER BY seq", execution_id)


def completions(data_dir: Path, execution_id: str, node: str = "n") -> int:
    """How often the node's completion is recorded."""
    events = history(data_dir, execution_id)
    return sum(event["type"] == "NodeCompleted" and event["node_id"] == node for event in events)
