"""What must hold after each commit of the simulation, and at its end."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.invariants import _Check, _event, _same_execution, _same_run
from support.reference import Meaning, error_of, interpret
from support.simulation.loop import Violation

from flowrun.domain import events as e
from flowrun.domain.definition import OnError
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.states import ExecutionStatus, NodeStatus
from flowrun.persistence import bulk
from flowrun.persistence.writer import Unit

if TYPE_CHECKING:
    from support.simulation.world import World

_KINDS = (bulk.INSERT_EVENTS, bulk.DELETE_JOBS, bulk.DELETE_TIMERS, bulk.UPSERT_JOBS, bulk.UPSERT_TIMERS)
_RESULTS = (e.NodeCompleted, e.NodeFailed, e.NodeRetrying, e.NodeInterrupted, e.NodeCancelled)
_PATIENCE = 60.0
"""Seconds, outages apart, within which what a caller has called must end after the caller."""


@dataclass
class Known:
    """An execution as its durable history tells it."""

    execution: Execution
    runs: dict[RunKey, NodeRun] = field(default_factory=dict)
    history: list[tuple[int, e.Event]] = field(default_factory=list)


class _Named:
    """The connection, with rows that know their columns' names."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        cursor = self._raw.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, parameters)


class Checks(_Check):
    """Follows every execution from commit to commit, beside the engine and from its rows alone."""

    def __init__(self, world: World, raw: sqlite3.Connection, types: Any) -> None:
        super().__init__(_Named(raw), types)  # type: ignore[arg-type]
        self._world = world
        self.known: dict[str, Known] = {}

    def committed(self, group: Sequence[Unit]) -> None:
        """Check the executions that a transaction has changed."""
        changed: dict[str, None] = {}
        for unit in group:
            for kind in _KINDS if unit.rows is not None and unit.error is None else ():
                changed.update({row[0]: None for row in unit.rows.by_kind.get(kind, ())})
        for execution_id in changed:
            self._follow(execution_id)

    def _follow(self, execution_id: str) -> None:
        row = self._rows("SELECT * FROM executions WHERE id = ?", execution_id)[0]
        known = self.known.get(execution_id)
        if known is None:
            known = self.known[execution_id] = Known(Execution(execution_id, row["tenant_id"], self._graph(row)))
        execution, touched = known.execution, {}
        query = "SELECT * FROM execution_events WHERE execution_id = ? AND seq > ? ORDER BY seq"
        for stored in self._rows(query, execution_id, execution.seq):
            assert stored["seq"] == execution.seq + 1, f"a gap in the history of {execution_id}"
            event = _event(stored)
            self._judge(known, event, stored["at"])
            run = evolve(execution, event, stored["at"])
            known.history.append((stored["at"], event))
            if run is not None:
                touched[run.key] = known.runs[run.key] = run
        _same_execution(row, execution)
        rows = {(node["node_id"], node["iteration"]): node for node in self._of("node_executions", execution_id)}
        for key, run in touched.items():
            _same_run(rows[key], execution, run)
        self._check_pending(execution)

    def _judge(self, known: Known, event: e.Event, at: int) -> None:
        execution, name = known.execution, self._world.name(known.execution.id)
        self._world.note("event", f"{name} {event.type} {getattr(event, 'node', '')} {getattr(event, 'iteration', '')}")
        assert at <= self._world.now(), f"{name}: {event} is of the future"
        assert not execution.final or isinstance(event, e.ExecutionRetried), f"{name}: {event} after its end"
        if isinstance(event, e.ExecutionTimedOut):
            assert execution.timeout_at is not None, f"{name} has no timeout"
            assert at >= execution.timeout_at, f"{name} timed out too early"
        if not isinstance(event, e.NodeEvent):
            return
        run = known.runs.get((event.node, event.iteration))
        if isinstance(event, _RESULTS):
            self._world.workers.ended(execution.id, event.node, event.iteration)
        if run is not None:
            self._judge_run(execution, run, event, at)

    def _judge_run(self, execution: Execution, run: NodeRun, event: e.NodeEvent, at: int) -> None:
        name = self._world.name(execution.id)
        if run.status is NodeStatus.COMPLETED:
            raise Violation(f"{name}: {event}, and the node has completed before")
        if isinstance(event, e.NodeQueued):
            assert event.dispatch == run.dispatch + 1, f"{name}: {event} after dispatch {run.dispatch}"
            early = run.status is NodeStatus.RETRYING and at < (run.due_at or 0)
            assert not early, f"{name}: {event} is tried again too early"
        if isinstance(event, e.NodeCompleted) and not event.by:
            early = run.status is NodeStatus.WAITING and run.awaits == "time" and at < (run.due_at or 0)
            assert not early, f"{name}: {event} has not waited long enough"
            if run.node.type.name == "step" and not run.node.disabled:
                due = self._world.behaviour(execution.graph.workflow_id, run.node.id).output
                assert event.output == due, f"{name}: {event} has the output of something else"
                token = (execution.id, *run.key, run.dispatch)
                assert token in self._world.workers.effects, f"{name}: {event} is the result of an older dispatch"

    # --- at the end

    def finish(self) -> None:
        """Check everything once more, now that nothing is under way."""
        self.run()
        for table in ("jobs", "timers"):
            assert not self._rows(f"SELECT * FROM {table}"), f"{table} are left"  # noqa: S608
        for known in self.known.values():
            assert known.execution.final, f"{self._world.name(known.execution.id)} has not ended"
        self._check_accepted()
        self._check_called()
        self._check_error_workflows()
        self._check_told()
        for known in self.known.values():
            self._check_meaning(known)

    def _check_accepted(self) -> None:
        """What was accepted exists once; what was not answered, at most once."""
        started = Counter[int]()
        for known in self.known.values():
            body = known.execution.trigger.get("body")
            if known.execution.trigger["type"] == "manual" and isinstance(body, dict):
                started[int(body["op"])] += 1
        for start in self._world.starts:
            count = started[start.number]
            assert count == 1 or (count == 0 and start.execution_id is None), f"{start} has started {count} executions"

    def _check_called(self) -> None:
        """A call starts one execution, and none goes on long after the caller that waits for it has ended."""
        calls: Counter[tuple[str, str]] = Counter()
        for known in self.known.values():
            called, by = known.execution, known.execution.trigger.get("caller")
            if not isinstance(by, dict):
                continue
            caller = self.known[str(by["execution_id"])]
            calls[caller.execution.id, str(by["node_id"])] += 1
            patience = round((_PATIENCE + self._world.outage) * 1000)
            late = (called.finished_at or 0) - (caller.execution.finished_at or 0)
            assert not by["wait"] or late <= patience, f"{self._world.name(called.id)} outlives its caller by {late} ms"
        for (caller_id, node), count in calls.items():
            history = self.known[caller_id].history
            asked = sum(isinstance(event, e.NodeWaiting) and event.node == node for _, event in history)
            assert count <= asked, f"{self._world.name(caller_id)} asked {asked} times, and {count} were started"

    def _check_error_workflows(self) -> None:
        handled = Counter(
            str(known.execution.trigger["body"]["execution_id"])  # type: ignore[index,call-overload]
            for known in self.known.values()
            if known.execution.trigger["type"] == "error"
        )
        for known in self.known.values():
            execution = known.execution
            failed = any(isinstance(event, e.ExecutionFailed | e.ExecutionTimedOut) for _, event in known.history)
            wanted = failed and execution.graph.on_error is not None and execution.trigger["type"] != "error"
            assert handled[execution.id] == wanted, f"{self._world.name(execution.id)}: error workflows"

    def _check_told(self) -> None:
        """An event that was emitted starts each workflow that waits for it once."""
        listeners = [plan.id for plan in self._world.plans if plan.id.startswith("listener")]
        told = {
            (f"{known.execution.id}:tell:", listener)
            for known in self.known.values()
            for _, event in known.history
            if isinstance(event, e.NodeCompleted) and event.node == "tell" and not event.by
            for listener in listeners
        }
        heard = Counter(
            (str(known.execution.trigger["event"]["id"]), known.execution.graph.workflow_id)  # type: ignore[index,call-overload]
            for known in self.known.values()
            if known.execution.trigger["type"] == "event"
        )
        assert heard == Counter(told), f"{len(told)} were told, and {heard.total()} have heard"

    def _check_meaning(self, known: Known) -> None:
        """Where nobody interfered, the execution has ended as the reference says."""
        execution = known.execution
        scenario = self._world.scenario(execution.graph.workflow_id)
        errors = [run.error for run in known.runs.values() if run.error]
        lost = any(error["source"] == "worker_lost" for error in errors)
        if scenario is None or lost or not self._world.undisturbed(execution.id):
            return
        if execution.status is ExecutionStatus.TIMED_OUT:
            return
        ended = {
            event.node: number
            for number, (_, event) in enumerate(known.history)
            if isinstance(event, e.NodeCompleted | e.NodeFailed)
        }
        meaning = interpret(
            scenario.definition,
            scenario.behaviours,
            scenario.trigger,
            execution.trigger["body"],
            lambda _node, parents: min(parents, key=lambda parent: ended.get(parent, len(known.history))),
        )
        _same_meaning(self._world.name(execution.id), execution, meaning, scenario.definition)


def _same_meaning(name: str, execution: Execution, meaning: Meaning, definition: Any) -> None:
    assert execution.status.value == meaning.status, f"{name} is {execution.status}, and means {meaning.status}"
    if meaning.status == "failed":
        # Which of its unhandled failures comes first depends on the order of the results.
        drains = any(node.on_error is OnError.DRAIN for node in definition.nodes)
        assert drains or _plain(execution.error) in meaning.unhandled, f"{name}: {execution.error}"
        return
    assert _plain(execution.output) == meaning.output, f"{name}: {execution.output}, and means {meaning.output}"
    for node, expected in meaning.nodes.items():
        run = execution.runs[node, ""]
        assert run.status.value == expected.state, f"{name}: {node} is {run.status}, and means {expected.state}"
        if expected.state != "skipped":
            assert _plain(run.output) == expected.output, f"{name}: output of {node}"
            assert run.attempt == expected.attempts, f"{name}: {node} took {run.attempt} attempts"


def _plain(value: Any) -> Any:
    """A value with its error objects reduced to what the reference knows of them."""
    if isinstance(value, dict):
        if "occurred_at" in value:
            return error_of(value["node_id"], value["type"])
        return {key: _plain(part) for key, part in value.items()}
    return value
