"""How far the executions of a list have come: counted from the rows of their node runs, for a page at a time.

Nothing of it is stored with the execution: a running one would be written anew at each step.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, func, select

from flowrun.domain.json import JsonObject
from flowrun.domain.states import FINAL_EXECUTION, NodeStatus
from flowrun.errors import FlowrunError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.get_execution import node_types, progress_of

_MOST_NAMED = 5
_OPEN = frozenset({NodeStatus.QUEUED, NodeStatus.RUNNING, NodeStatus.RETRYING, NodeStatus.WAITING})
_FAILED = frozenset({NodeStatus.FAILED, NodeStatus.TIMED_OUT})


async def add_progress(items: list[JsonObject], rows: Sequence[RowMapping], context: Context) -> None:
    """Add to each item `progress`, its runs by state, and `nodes`, the same as streams say it."""
    table = t.node_executions
    # One node of a row's group stands for it: a group has a row for each iteration of a loop.
    of = (table.c.execution_id, table.c.node_id, (table.c.iteration == "").label("top"), table.c.status)
    ids = [row["id"] for row in rows]
    query = select(*of, func.count().label("count")).where(table.c.execution_id.in_(ids)).group_by(*of)
    found: dict[str, list[RowMapping]] = {}
    for group in await context.reader.all(query):
        found.setdefault(group["execution_id"], []).append(group)
    for item, row in zip(items, rows, strict=True):
        groups = found.get(row["id"], [])
        total = len(await node_types(context, row))
        item["progress"] = progress_of(_by_status(groups), total)
        item["nodes"] = await _nodes(groups, row, context)


def _by_status(groups: Sequence[RowMapping]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group["status"]] = counts.get(group["status"], 0) + group["count"]
    return list(counts.items())


async def _nodes(groups: Sequence[RowMapping], row: RowMapping, context: Context) -> JsonObject:
    top = [group for group in groups if group["top"]]
    failed = [group["node_id"] for group in top if group["status"] in _FAILED]
    ended = sum(group["status"] not in _OPEN and group["status"] != NodeStatus.PENDING for group in top)
    running = dict.fromkeys(group["node_id"] for group in groups if group["status"] in _OPEN)
    over = row["status"] in FINAL_EXECUTION
    return {
        "total": await _outside_loops(context, row, len(top)),
        "done": ended,
        "failed": len(failed),
        "running": [] if over else list(running)[:_MOST_NAMED],
        "failed_at": failed[0] if failed else None,
    }


async def _outside_loops(context: Context, row: RowMapping, begun: int) -> int:
    """How many nodes the version has outside of loops; those that were reached when it cannot be read any more."""
    try:
        graph = await context.graphs.get(row["tenant_id"], row["workflow_id"], row["version"])
    except (FlowrunError, KeyError):
        return begun
    return graph.top
