"""Folding events into the state: the only code that changes an execution."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flowrun.domain import events as e
from flowrun.domain.definition import ERROR_PORT, Join
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.graph import Edge
from flowrun.domain.states import ExecutionStatus, NodeStatus


def evolve(execution: Execution, event: e.Event, at: int) -> NodeRun | None:
    """Apply one event that happened `at` (ms); gives the node run that it changed, if it was about one."""
    execution.seq += 1
    if isinstance(event, e.NodeEvent):
        run = execution.run_of(execution.graph.nodes[event.node], event.iteration)
        _NODE[type(event)](execution, run, event, at)
        return run
    _EXECUTION[type(event)](execution, event, at)
    return None


# --- the execution as a whole


def _created(execution: Execution, event: e.ExecutionCreated, at: int) -> None:
    execution.created_at = at
    execution.trigger_node = event.trigger_node
    execution.trigger = event.trigger
    execution.input = event.trigger.get("body") if event.input is None else event.input
    execution.rerun_of = event.rerun_of
    for node in execution.graph.nodes.values():
        if not node.ins:
            execution.ready.append(execution.run_of(node, ""))


def _started(execution: Execution, _event: e.ExecutionStarted, at: int) -> None:
    execution.started_at = at
    if execution.status is ExecutionStatus.PAUSED:  # Paused while it was queued: its time begins when it goes on.
        timeout = execution.graph.timeout
        execution.time_left = None if timeout is None else round(timeout * 1000)
        return
    execution.status = ExecutionStatus.RUNNING
    execution.timeout_at = _timeout_from(execution, at)


def _timeout_from(execution: Execution, at: int) -> int | None:
    timeout = execution.graph.timeout
    return None if timeout is None else at + round(timeout * 1000)


def _waiting(execution: Execution, _event: e.ExecutionWaiting, _at: int) -> None:
    execution.status = ExecutionStatus.WAITING


def _continued(execution: Execution, _event: e.ExecutionContinued, _at: int) -> None:
    execution.status = ExecutionStatus.RUNNING


def _paused(execution: Execution, event: e.ExecutionPaused, _at: int) -> None:
    execution.status = ExecutionStatus.PAUSED
    execution.time_left = event.time_left
    execution.timeout_at = None
    execution.reason = event.reason


def _resumed(execution: Execution, _event: e.ExecutionResumed, at: int) -> None:
    execution.status = ExecutionStatus.QUEUED if execution.started_at is None else ExecutionStatus.RUNNING
    execution.timeout_at = None if execution.time_left is None else at + execution.time_left
    execution.time_left = None
    execution.reason = None


def _cancel_requested(execution: Execution, event: e.CancelRequested, _at: int) -> None:
    execution.status = ExecutionStatus.CANCELLING
    execution.reason = event.reason


def _end(execution: Execution, status: ExecutionStatus, at: int) -> None:
    execution.status = status
    execution.finished_at = at
    execution.result_seq = execution.seq


def _completed(execution: Execution, event: e.ExecutionCompleted, at: int) -> None:
    execution.output = event.output if execution.response is None else execution.response.get("body")
    _end(execution, ExecutionStatus.COMPLETED, at)


def _failed(execution: Execution, event: e.ExecutionFailed, at: int) -> None:
    execution.error = event.error
    execution.failed_before = True
    _end(execution, ExecutionStatus.FAILED, at)


def _timed_out(execution: Execution, event: e.ExecutionTimedOut, at: int) -> None:
    execution.error = event.error
    execution.failed_before = True
    _end(execution, ExecutionStatus.TIMED_OUT, at)


def _cancelled(execution: Execution, event: e.ExecutionCancelled, at: int) -> None:
    execution.reason = event.reason
    _end(execution, ExecutionStatus.CANCELLED, at)


def _retried(execution: Execution, _event: e.ExecutionRetried, at: int) -> None:
    execution.status = ExecutionStatus.RUNNING
    execution.timeout_at = _timeout_from(execution, at)
    execution.error = execution.failure = execution.finished_at = execution.result_seq = execution.reason = None


# --- one node run

_RAN = (NodeStatus.COMPLETED, NodeStatus.FAILED)
"""How a node that the engine runs itself can end: it had its one attempt at that moment."""


def _set_status(execution: Execution, run: NodeRun, status: NodeStatus) -> None:
    _count(execution, run.status, -1)
    _count(execution, status, 1)
    run.status = status


def _count(execution: Execution, status: NodeStatus, by: int) -> None:
    if status is NodeStatus.QUEUED or status is NodeStatus.RUNNING:
        execution.active += by
    elif status is NodeStatus.RETRYING:
        execution.retrying += by
    elif status is NodeStatus.WAITING:
        execution.waiting += by
    elif status is not NodeStatus.PENDING:
        execution.ended += by


def _node_queued(execution: Execution, run: NodeRun, event: e.NodeQueued, at: int) -> None:
    _set_status(execution, run, NodeStatus.QUEUED)
    run.attempt, run.dispatch = event.attempt, event.dispatch
    run.queued_at = at if run.queued_at is None else run.queued_at
    run.due_at = run.started_at = None


def _node_started(execution: Execution, run: NodeRun, event: e.NodeStarted, _at: int) -> None:
    _set_status(execution, run, NodeStatus.RUNNING)
    run.started_at = event.started_at


def _node_completed(execution: Execution, run: NodeRun, event: e.NodeCompleted, at: int) -> None:
    _finish(execution, run, NodeStatus.COMPLETED, event.started_at, at)
    run.output = event.output
    run.error = None
    if event.responds and execution.response is None and isinstance(event.output, dict):
        execution.response = event.output
    _resolve_edges(execution, run, event.taken)


def _node_failed(execution: Execution, run: NodeRun, event: e.NodeFailed, at: int) -> None:
    timed_out = event.error.get("source") == "timeout"
    _finish(execution, run, NodeStatus.TIMED_OUT if timed_out else NodeStatus.FAILED, event.started_at, at)
    run.output, run.error, run.handling = None, event.error, event.handling
    if event.handling in {"continue", "error_output"}:
        _resolve_edges(execution, run, event.taken)
    elif event.handling == "drain" and execution.failure is None:
        execution.failure = event.error


def _node_retrying(execution: Execution, run: NodeRun, event: e.NodeRetrying, _at: int) -> None:
    _set_status(execution, run, NodeStatus.RETRYING)
    run.error, run.due_at = event.error, event.due_at
    run.started_at = event.started_at or run.started_at
    run.result_seq = execution.seq


def _node_interrupted(execution: Execution, run: NodeRun, event: e.NodeInterrupted, at: int) -> None:
    _set_status(execution, run, NodeStatus.RETRYING)
    run.lost, run.due_at = event.lost, at
    run.attempt -= 1


def _node_skipped(execution: Execution, run: NodeRun, event: e.NodeSkipped, at: int) -> None:
    _finish(execution, run, NodeStatus.SKIPPED, None, at)
    run.skip_reason, run.skip_origin = event.reason, event.origin
    _resolve_edges(execution, run, ())


def _node_waiting(execution: Execution, run: NodeRun, event: e.NodeWaiting, at: int) -> None:
    _set_status(execution, run, NodeStatus.WAITING)
    run.attempt = max(run.attempt, 1)
    run.queued_at = at if run.queued_at is None else run.queued_at
    run.started_at = at if run.started_at is None else run.started_at
    run.due_at, run.output = event.due_at, event.output


def _node_cancelled(execution: Execution, run: NodeRun, event: e.NodeCancelled, at: int) -> None:
    _finish(execution, run, NodeStatus.CANCELLED, None, at)
    run.output = None
    run.skip_reason = event.reason


def _node_reset(execution: Execution, run: NodeRun, _event: e.NodeReset, _at: int) -> None:
    _set_status(execution, run, NodeStatus.PENDING)
    run.attempt = run.lost = 0
    run.output = run.error = run.handling = run.skip_reason = run.skip_origin = None
    run.queued_at = run.started_at = run.finished_at = run.due_at = run.result_seq = None
    execution.ready.append(run)


def _finish(execution: Execution, run: NodeRun, status: NodeStatus, started_at: int | None, at: int) -> None:
    _set_status(execution, run, status)
    if started_at is not None:
        run.started_at = started_at
    elif run.started_at is None and status in _RAN:
        run.started_at = at
    if run.attempt == 0 and status in _RAN:
        run.attempt = 1
    run.finished_at = at
    run.due_at = None
    run.result_seq = execution.seq


# --- edges and joins


def _resolve_edges(execution: Execution, run: NodeRun, taken: Collection[str] | None) -> None:
    for edge in run.node.out:
        _arrive(execution, edge, run.iteration, edge.port != ERROR_PORT if taken is None else edge.id in taken)


def _arrive(execution: Execution, edge: Edge, iteration: str, taken: bool) -> None:
    """Resolve one edge; the run that it leads to is ready as soon as its join is decided."""
    run = execution.run_of(edge.target, iteration)
    join, total = edge.target.join, len(edge.target.ins)
    decided = _decided(join, run, total)
    run.resolved += 1
    if taken:
        run.taken.append(edge.index)
    if not decided and _decided(join, run, total) and run.status is NodeStatus.PENDING:
        execution.ready.append(run)


def _decided(join: Join, run: NodeRun, total: int) -> bool:
    if run.resolved == total:
        return True
    if join is Join.ANY:
        return bool(run.taken)
    return join is Join.ALL_REQUIRED and len(run.taken) < run.resolved


_EXECUTION: dict[type[e.Event], Callable[[Execution, Any, int], None]] = {
    e.ExecutionCreated: _created,
    e.ExecutionStarted: _started,
    e.ExecutionWaiting: _waiting,
    e.ExecutionContinued: _continued,
    e.ExecutionPaused: _paused,
    e.ExecutionResumed: _resumed,
    e.CancelRequested: _cancel_requested,
    e.ExecutionCompleted: _completed,
    e.ExecutionFailed: _failed,
    e.ExecutionTimedOut: _timed_out,
    e.ExecutionCancelled: _cancelled,
    e.ExecutionRetried: _retried,
}
_NODE: dict[type[e.Event], Callable[[Execution, NodeRun, Any, int], None]] = {
    e.NodeQueued: _node_queued,
    e.NodeStarted: _node_started,
    e.NodeCompleted: _node_completed,
    e.NodeFailed: _node_failed,
    e.NodeRetrying: _node_retrying,
    e.NodeInterrupted: _node_interrupted,
    e.NodeSkipped: _node_skipped,
    e.NodeWaiting: _node_waiting,
    e.NodeCancelled: _node_cancelled,
    e.NodeReset: _node_reset,
}
