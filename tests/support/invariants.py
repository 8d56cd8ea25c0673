"""What must be true of a database whatever has happened to the process that wrote it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from support.node_types import TYPES

from flowrun.domain.definition import Join
from flowrun.domain.events import restore_event
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.node_type import NodeTypes
from flowrun.domain.states import ACTIVE_NODE, ExecutionStatus, NodeStatus
from flowrun.formats import read_workflow

Row = Mapping[str, Any]
STARTS_OTHERS = ("error_workflow", "event", "answer", "call")
"""Timers that let other executions start; they may outlive their own."""


def check_database(path: Path, *, types: NodeTypes = TYPES) -> int:
    """Check every execution in the file; gives how many there are.

    The state rows are the fold of the stored history; a final execution has no jobs and no timers left (but those
    that start other executions); what is under way in one that lives has the row that will carry it on.
    """
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")  # One moment, also while a process writes.
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return _Check(connection, types).run()


class _Check:
    def __init__(self, connection: sqlite3.Connection, types: NodeTypes) -> None:
        self._connection = connection
        self._types = types
        self._graphs: dict[tuple[str, str, int], Graph] = {}

    def run(self) -> int:
        executions = self._rows("SELECT * FROM executions")
        for row in executions:
            self._check_execution(row)
        for table in ("execution_events", "node_executions", "node_logs", "jobs", "timers"):
            stray = f"SELECT count(*) FROM {table} WHERE execution_id NOT IN (SELECT id FROM executions)"  # noqa: S608
            assert self._connection.execute(stray).fetchone()[0] == 0, f"{table} of no execution"
        return len(executions)

    def _check_execution(self, row: Row) -> None:
        events = self._of("execution_events", row["id"], "seq")
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), f"gaps in {row['id']}"
        execution = Execution(row["id"], row["tenant_id"], self._graph(row))
        runs: dict[RunKey, NodeRun] = {}
        """Every run there was: those of an ended iteration leave the execution."""
        for event in events:
            run = evolve(execution, _event(event), event["at"])
            if run is not None:
                runs[run.key] = run
        _same_execution(row, execution)
        rows = {(node["node_id"], node["iteration"]): node for node in self._of("node_executions", row["id"])}
        assert rows.keys() == runs.keys(), f"node rows of {row['id']}"
        for key, node in rows.items():
            _same_run(node, execution, runs[key])
        self._check_pending(execution)

    def _check_pending(self, execution: Execution) -> None:
        """The rows of jobs and timers are those of what is under way."""
        runs = execution.runs.values()
        active = {(*run.key, run.dispatch) for run in runs if run.status in ACTIVE_NODE and run.loop is None}
        jobs = {(job["node_id"], job["iteration"], job["dispatch"]) for job in self._of("jobs", execution.id)}
        assert jobs == active, f"jobs of {execution.id}"
        found = {(t["kind"], t["node_id"], t["iteration"]): t["due_at"] for t in self._of("timers", execution.id)}
        found = {key: at for key, at in found.items() if key[0] not in STARTS_OTHERS}
        if execution.final:
            assert not found, f"timers of the ended {execution.id}"
            return
        waits = {"time": "delay", "signal": "signal"}
        waiting = [run for run in runs if run.status is NodeStatus.WAITING and run.due_at is not None]
        due = {(waits[run.awaits], *run.key): run.due_at for run in waiting if run.awaits in waits}
        retries = {("retry", *run.key): run.due_at for run in runs if run.status is NodeStatus.RETRYING}
        if execution.status is ExecutionStatus.PAUSED:
            due = {key: at for key, at in due.items() if key[0] != "signal"}  # Their time stands still.
            retries = {key: at for key, at in retries.items() if key in found}  # Those that came due wait without.
        if execution.timeout_at is not None:
            due["execution_timeout", "", ""] = execution.timeout_at
        grace = found.pop(("cancel_grace", "", ""), None)
        assert (grace is not None) == (execution.status is ExecutionStatus.CANCELLING)
        assert found == due | retries, f"timers of {execution.id}"

    def _graph(self, row: Row) -> Graph:
        key = (row["tenant_id"], row["workflow_id"], row["version"])
        if key not in self._graphs:
            query = "SELECT definition FROM workflow_versions WHERE tenant_id = ? AND workflow_id = ? AND version = ?"
            (text,) = self._connection.execute(query, key).fetchone()
            definition = read_workflow(orjson.loads(text)).definition
            assert definition is not None
            self._graphs[key] = compile_graph(definition, row["version"], self._types)
        return self._graphs[key]

    def _rows(self, query: str, *parameters: Any) -> list[Row]:
        return [dict(row) for row in self._connection.execute(query, parameters)]

    def _of(self, table: str, execution_id: str, order: str = "1") -> list[Row]:
        return self._rows(f"SELECT * FROM {table} WHERE execution_id = ? ORDER BY {order}", execution_id)  # noqa: S608


def _event(row: Row) -> Any:
    data = None if row["data"] is None else orjson.loads(row["data"])
    return restore_event(row["type"], row["node_id"], row["iteration"] or "", data)


def _same_execution(row: Row, execution: Execution) -> None:
    expected = {
        "status": execution.status.value,
        "workflow_id": execution.graph.workflow_id,
        "version": execution.graph.version,
        "trigger_type": execution.trigger.get("type", "manual"),
        "rerun_of": execution.rerun_of,
        "reason": execution.reason,
        "result_seq": execution.result_seq,
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
    }
    assert {name: row[name] for name in expected} == expected, row["id"]


def _same_run(row: Row, execution: Execution, run: NodeRun) -> None:
    names = ("attempt", "lost", "dispatch", "skip_reason", "skip_origin", "handling", "result_seq")
    times = ("queued_at", "started_at", "finished_at", "due_at")
    expected = {name: getattr(run, name) for name in (*names, *times)} | {"status": run.status.value}
    assert {name: row[name] for name in expected} == expected, f"{run.node.id} of {row['execution_id']}"
    # Edges that resolve after an `all_required` was skipped are not written: a skipped node has no input.
    if not (run.status is NodeStatus.SKIPPED and run.node.join is Join.ALL_REQUIRED):
        assert orjson.loads(row["sources"] or "[]") == execution.sources(run), f"{run.node.id} of {row['execution_id']}"
