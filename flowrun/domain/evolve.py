"""Folding events into the state: the only code that changes an execution."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flowrun.domain import events as e
from flowrun.domain.definition import ERROR_PORT, Join
from flowrun.domain.execution import Execution, KeptSignal, LoopState, NodeRun, Scope, child_iteration
from flowrun.domain.graph import Edge
from flowrun.domain.node_type import EACH_PORT
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


def _paused(execution: Execution, event: e.ExecutionPaused, at: int) -> None:
    execution.status, execution.paused_at = ExecutionStatus.PAUSED, at
    execution.time_left = event.time_left
    execution.timeout_at = None
    execution.reason = event.reason


def _resumed(execution: Execution, _event: e.ExecutionResumed, at: int) -> None:
    execution.status = ExecutionStatus.QUEUED if execution.started_at is None else ExecutionStatus.RUNNING
    execution.timeout_at = None if execution.time_left is None else at + execution.time_left
    execution.time_left = execution.paused_at = None
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


def _signal_received(execution: Execution, event: e.SignalReceived, at: int) -> None:
    target = None if event.target is None else (event.target[0], event.target[1])
    execution.signals[execution.seq] = KeptSignal(event.name, event.data, target, event.by, at)


def _retried(execution: Execution, event: e.ExecutionRetried, at: int) -> None:
    execution.retried = True
    if event.held:
        execution.status = ExecutionStatus.QUEUED
        execution.started_at = execution.timeout_at = None
    else:
        execution.status = ExecutionStatus.RUNNING
        if execution.started_at is None:  # It was cancelled while it was queued, and begins only now.
            execution.started_at = at
        execution.timeout_at = _timeout_from(execution, at)
    execution.error = execution.failure = execution.finished_at = execution.result_seq = execution.reason = None


# --- one node run

_RAN = (NodeStatus.COMPLETED, NodeStatus.FAILED)
"""How a node that the engine runs itself can end: it had its one attempt at that moment."""


def _set_status(execution: Execution, run: NodeRun, status: NodeStatus) -> None:
    _count(execution, run, run.status, -1)
    _count(execution, run, status, 1)
    run.status = status


def _count(execution: Execution, run: NodeRun, status: NodeStatus, by: int) -> None:
    if status is NodeStatus.QUEUED or status is NodeStatus.RUNNING:
        if run.loop is None:
            execution.active += by
        else:
            execution.looping += by
    elif status is NodeStatus.RETRYING:
        execution.retrying += by
    elif status is NodeStatus.WAITING:
        execution.waiting += by
    elif status is not NodeStatus.PENDING:
        _count_end(execution, run, by)


def _count_end(execution: Execution, run: NodeRun, by: int) -> None:
    if run.node.loop is None:
        execution.ended += by
        return
    scope = execution.scope_of(run)
    scope.ended += by
    if scope.ended == len(scope.owner.node.body):
        execution.ended_scopes[scope.key] = None
    else:
        execution.ended_scopes.pop(scope.key, None)


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
    if event.signal is not None:
        execution.signals.pop(event.signal, None)
    if run.loop is not None:
        _drop_scopes(execution, run)
        run.loop = None
    if event.responds and execution.response is None and isinstance(event.output, dict):
        execution.response = event.output
    _resolve_edges(execution, run, event.taken)


def _node_failed(execution: Execution, run: NodeRun, event: e.NodeFailed, at: int) -> None:
    timed_out = event.error.get("source") == "timeout"
    _finish(execution, run, NodeStatus.TIMED_OUT if timed_out else NodeStatus.FAILED, event.started_at, at)
    run.output, run.error, run.handling = None, event.error, event.handling
    if event.handling in {"continue", "error_output"}:
        _resolve_edges(execution, run, event.taken)
    elif run.node.loop is not None:
        execution.failed_scopes.setdefault(execution.scope_of(run).key, run.key)
    elif event.handling == "drain" and execution.failure is None:
        execution.failure = event.error
    if run.loop is None:
        return
    if event.handling in {"continue", "error_output"}:
        _drop_scopes(execution, run)
        run.loop = None
    else:  # A retry may take its iterations up again; until then they have nothing more to say.
        for scope in execution.scopes.values():
            if scope.owner is run:
                execution.failed_scopes.pop(scope.key, None)


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
    run.due_at, run.output, run.awaits = event.due_at, event.output, event.awaits


def _node_called(_execution: Execution, run: NodeRun, event: e.NodeCalled, _at: int) -> None:
    run.called = event.execution


def _loop_started(execution: Execution, run: NodeRun, event: e.LoopStarted, at: int) -> None:
    run.loop = LoopState(event.total, last=execution.input_of(run))
    _set_status(execution, run, NodeStatus.RUNNING)
    run.attempt = 1
    run.queued_at = run.started_at = at


def _iteration_started(execution: Execution, run: NodeRun, event: e.IterationStarted, _at: int) -> None:
    scope = Scope(run, event.index, child_iteration(run.iteration, event.index), event.item)
    execution.scopes[scope.key] = scope
    loop = _loop(run)
    loop.started += 1
    loop.running += 1
    for edge in run.node.out:
        if edge.port == EACH_PORT:
            _arrive(execution, edge, scope.iteration, event.taken is None or edge.id in event.taken)


def _iteration_ended(execution: Execution, run: NodeRun, event: e.IterationEnded, _at: int) -> None:
    loop = _loop(run)
    loop.running -= 1
    loop.last = event.output
    if loop.total is not None:
        loop.outputs[event.index] = event.output if event.error is None else {"error": event.error}
    _drop_scope(execution, execution.scopes[run.node.id, child_iteration(run.iteration, event.index)])


def _loop(run: NodeRun) -> LoopState:
    assert run.loop is not None  # noqa: S101 - the event of a loop that has begun
    return run.loop


def _drop_scopes(execution: Execution, run: NodeRun) -> None:
    for scope in [scope for scope in execution.scopes.values() if scope.owner is run]:
        _drop_scope(execution, scope)


def _drop_scope(execution: Execution, scope: Scope) -> None:
    """Let an iteration leave the memory: what it gave is with the loop, what happened in the history."""
    for node in scope.owner.node.body:
        run = execution.runs.pop((node.id, scope.iteration), None)
        if run is not None and run.loop is not None:
            _drop_scopes(execution, run)
    del execution.scopes[scope.key]
    execution.ended_scopes.pop(scope.key, None)
    execution.failed_scopes.pop(scope.key, None)


def _node_cancelled(execution: Execution, run: NodeRun, event: e.NodeCancelled, at: int) -> None:
    _finish(execution, run, NodeStatus.CANCELLED, None, at)
    run.output = None
    run.skip_reason = event.reason


def _node_reset(execution: Execution, run: NodeRun, _event: e.NodeReset, _at: int) -> None:
    if run.loop is not None:  # Its iterations go on where they stopped.
        _set_status(execution, run, NodeStatus.RUNNING)
        run.error = run.handling = run.skip_reason = run.finished_at = run.result_seq = None
        return
    if run.node.loop is not None:
        execution.failed_scopes.pop(execution.scope_of(run).key, None)
    _set_status(execution, run, NodeStatus.PENDING)
    run.attempt = run.lost = 0
    run.output = run.error = run.handling = run.skip_reason = run.skip_origin = run.awaits = run.called = None
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
        if edge.port == EACH_PORT:
            continue  # It leads into iterations, each of which resolves it for itself.
        _arrive(execution, edge, run.iteration, edge.port != ERROR_PORT if taken is None else edge.id in taken)


def _arrive(execution: Execution, edge: Edge, iteration: str, taken: bool) -> None:
    """Resolve one edge; the run that it leads to is ready as soon as its join is decided."""
    run = execution.run_of(edge.target, iteration)
    join, total = edge.target.join, len(edge.target.ins)
    decided = is_decided(join, run, total)
    run.resolved += 1
    if taken:
        run.taken.append(edge.index)
    if not decided and is_decided(join, run, total) and run.status is NodeStatus.PENDING:
        execution.ready.append(run)


def is_decided(join: Join, run: NodeRun, total: int) -> bool:
    """Whether it is certain what becomes of a run with `total` incoming edges."""
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
    e.SignalReceived: _signal_received,
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
    e.NodeCalled: _node_called,
    e.LoopStarted: _loop_started,
    e.IterationStarted: _iteration_started,
    e.IterationEnded: _iteration_ended,
    e.NodeCancelled: _node_cancelled,
    e.NodeReset: _node_reset,
}
