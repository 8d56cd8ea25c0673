"""What must hold in every database that flowrun has left, whatever happened to the process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from flowrun.domain.events import restore_event
from flowrun.domain.execution import Execution
from flowrun.domain.graph import Graph, compile_graph
from flowrun.formats import read_workflow
from flowrun.nodes.base import BaseNodeType
from flowrun.nodes.registry import builtin_types
from flowrun.persistence.executions import fold


def check_database(path: Path, *more_types: BaseNodeType) -> None:
    """Fold every history and compare it with the rows; look for work that was left behind."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        graphs = _graphs(db, more_types)
        for row in db.execute("SELECT * FROM executions").fetchall():
            execution = _folded(db, row, graphs[row["tenant_id"], row["workflow_id"], row["version"]])
            _same_state(execution, row)
            _same_runs(db, execution)
        _nothing_left_behind(db)


def _graphs(db: sqlite3.Connection, more_types: tuple[BaseNodeType, ...]) -> dict[tuple[str, str, int], Graph]:
    types = builtin_types()
    for node_type in more_types:
        types.add(node_type)
    found = {}
    for row in db.execute("SELECT * FROM workflow_versions"):
        definition = read_workflow(orjson.loads(row["definition"])).definition
        assert definition is not None
        key = (row["tenant_id"], row["workflow_id"], row["version"])
        found[key] = compile_graph(definition, row["version"], types)
    return found


def _folded(db: sqlite3.Connection, row: sqlite3.Row, graph: Graph) -> Execution:
    events = db.execute("SELECT * FROM execution_events WHERE execution_id = ? ORDER BY seq", (row["id"],)).fetchall()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), f"gaps in {row['id']}"
    history = [
        (one["at"], restore_event(one["type"], one["node_id"], one["iteration"] or "", _json(one["data"])))
        for one in events
    ]
    return fold(row["id"], row["tenant_id"], graph, history)


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _same_state(execution: Execution, row: sqlite3.Row) -> None:
    stored = {name: row[name] for name in ("status", "reason", "result_seq", "started_at", "finished_at")}
    assert stored == {name: getattr(execution, name) for name in stored}, row["id"]


def _same_runs(db: sqlite3.Connection, execution: Execution) -> None:
    rows = db.execute("SELECT * FROM node_executions WHERE execution_id = ?", (execution.id,)).fetchall()
    names = ("status", "attempt", "lost", "dispatch", "skip_reason", "skip_origin", "handling", "result_seq")
    times = ("queued_at", "started_at", "finished_at", "due_at")
    stored = {(row["node_id"], row["iteration"]): {name: row[name] for name in names + times} for row in rows}
    # A run that nothing has happened to yet has no row.
    folded = {
        key: {name: getattr(run, name) for name in names + times}
        for key, run in execution.runs.items()
        if run.status != "pending" or key in stored
    }
    assert stored == folded, execution.id


def _nothing_left_behind(db: sqlite3.Connection) -> None:
    for table in ("jobs", "timers"):
        left = db.execute(
            f"SELECT count(*) FROM {table} JOIN executions ON executions.id = {table}.execution_id"  # noqa: S608
            " WHERE executions.finished_at IS NOT NULL"
        ).fetchone()[0]
        assert left == 0, f"{left} {table} of ended executions"
