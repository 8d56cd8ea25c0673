"""The document of a node run, and the rows that it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import seconds, time
from flowrun.queries.payloads import Payloads, RunKey

Runs = dict[RunKey, Mapping[Any, Any]]


async def run_rows(context: Context, execution_id: str) -> Runs:
    """The rows of an execution's node runs, by key."""
    table = t.node_executions
    rows = await context.reader.all(select(table).where(table.c.execution_id == execution_id))
    return {(row["node_id"], row["iteration"]): row for row in rows}


def run_document(
    row: Mapping[Any, Any], node_type: str | None, attempts: list[JsonObject], payloads: Payloads | None
) -> JsonObject:
    """A node run; without `payloads` the input and output are left out."""
    last = attempts[-1] if attempts else {}
    calls = row["status"] == "waiting" and bool(attempts) and last["due_at"] is None
    document: JsonObject = {
        "node_id": row["node_id"],
        "iteration": row["iteration"],
        "type": node_type,
        "status": row["status"],
        "attempt": row["attempt"],
        "lost": row["lost"],
        "attempts": list(attempts),
        "error": None,
        "progress": None,
        "handling": row["handling"],
        "skip_reason": row["skip_reason"],
        "skip_origin": row["skip_origin"],
        "queued_at": time(row["queued_at"]),
        "started_at": time(row["started_at"]),
        "finished_at": time(row["finished_at"]),
        "due_at": None if calls else time(row["due_at"]),
        "called": last.get("called"),
        "duration": seconds(row["started_at"], row["finished_at"]),
    }
    if payloads is not None:
        document["input"] = payloads.input(row)
        document["output"] = payloads.output(row)
        document["error"] = payloads.error(row)
    elif attempts and row["status"] != "completed":
        document["error"] = attempts[-1]["error"]
    return document


def pending_row(node_id: str) -> dict[str, Any]:
    """What stands for a node that nothing has reached yet."""
    empty: dict[str, Any] = dict.fromkeys(column.name for column in t.node_executions.columns)
    return {**empty, "node_id": node_id, "iteration": "", "status": "pending", "attempt": 0, "lost": 0}
