"""The decision over one execution: a fact comes in, events, jobs and timers come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrun.domain import calls, loops, signals
from flowrun.domain import events as e
from flowrun.domain import facts as f
from flowrun.domain.advance import advance, queue
from flowrun.domain.completion import complete, ports_by_hand
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.failure import (
    MAX_LOST,
    cancel_run,
    end_cancelled,
    end_completed,
    end_failed,
    end_timed_out,
    end_wait,
    fail_run,
    stop_everything,
)
from flowrun.domain.graph import Graph, Node, descendants
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Cancelled, Completed, Failed
from flowrun.domain.outcome import conclude
from flowrun.domain.states import ACTIVE_NODE, ExecutionStatus, NodeStatus
from flowrun.domain.turn import Decision, Turn
from flowrun.errors import ConflictError, NotFoundError

CANCEL_GRACE_MS = 10_000
"""How long a worker that was told to stop may take before its node is cancelled without it."""


def decide(execution: Execution, facts: list[f.Fact], now: int, jitter: Callable[[], float]) -> Decision:
    """Decide over facts in the order of their arrival.

    The execution is changed in place by the events decided; the caller drops it if they cannot be stored.
    `now` is ms since the epoch, `jitter` gives random numbers in [0, 1).
    Raises `ConflictError` for a command that the present state doesn't allow (then nothing has changed: the
    caller passes such a command alone).
    """
    turn = Turn(execution, now, jitter)
    for fact in facts:
        _FACTS[type(fact)](turn, fact)
    if turn.decision.events or execution.unsettled:
        advance(turn)
        _settle(turn)
        turn.decision.unanswered = _unanswered(execution)
    return turn.decision


def _unanswered(execution: Execution) -> bool:
    """Whether every response node has ended and none has answered: the waiting caller needn't wait on."""
    if execution.response is not None or not execution.graph.responders:
        return False
    runs = [execution.runs.get((node.id, "")) for node in execution.graph.responders]
    return all(run is not None and run.finished_at is not None for run in runs)


def _settle(turn: Turn) -> None:
    """See whether the execution has ended, or only waits."""
    execution = turn.execution
    if execution.final or execution.status in {ExecutionStatus.PAUSED, ExecutionStatus.QUEUED}:
        return
    if execution.active:
        if execution.status is ExecutionStatus.WAITING:
            turn.emit(e.ExecutionContinued())
    elif execution.status is ExecutionStatus.CANCELLING:
        end_cancelled(turn, None, execution.reason)
    elif execution.failure is not None:
        if not calls.any_under_way(execution):  # What runs may finish, in another execution too.
            end_failed(turn, execution.failure)
    elif execution.unsettled:
        pass  # The turn was cut short; a timer carries it on.
    elif execution.retrying == 0 and execution.waiting == 0:
        _end_when_resolved(turn)
    elif execution.retrying == 0 and execution.status is not ExecutionStatus.WAITING:
        turn.emit(e.ExecutionWaiting())


def _end_when_resolved(turn: Turn) -> None:
    execution = turn.execution
    if execution.ended == execution.graph.top:
        end_completed(turn)
        return
    # A valid graph always resolves; if it doesn't, say so loudly instead of hanging for ever.
    stuck = sorted(set(execution.graph.nodes) - {run.node.id for run in execution.runs.values() if run.finished_at})
    message = f"Nothing can run any more and these nodes never became ready: {', '.join(stuck)}"
    end_failed(turn, _engine_error("stuck", message))


# --- the facts


def _start(turn: Turn, fact: f.Start) -> None:
    graph = turn.execution.graph
    turn.emit(
        e.ExecutionCreated(
            graph.workflow_id,
            graph.version,
            fact.trigger_node,
            fact.trigger,
            fact.input,
            fact.by,
            fact.rerun_of,
        )
    )
    for at, event in fact.kept:
        turn.emit(event, at)
    if not fact.hold:
        _begin(turn)


def _begin(turn: Turn) -> None:
    turn.emit(e.ExecutionStarted())
    _time_out(turn)
    _pump_loops(turn)


def _time_out(turn: Turn) -> None:
    timeout_at = turn.execution.timeout_at
    if timeout_at is not None:
        turn.set_timer(f.TimerKind.EXECUTION_TIMEOUT, timeout_at)


def _pump_loops(turn: Turn) -> None:
    """Let the loops of a retried execution go on; a new one has none yet."""
    if turn.execution.retried and turn.execution.status is ExecutionStatus.RUNNING:
        for run in list(turn.execution.runs.values()):
            if run.loop is not None:
                loops.pump(turn, run)


def _admit(turn: Turn, _fact: f.Admit) -> None:
    execution = turn.execution
    if execution.started_at is None and execution.status in {ExecutionStatus.QUEUED, ExecutionStatus.PAUSED}:
        _begin(turn)


def _attempt_started(turn: Turn, fact: f.AttemptStarted) -> None:
    run = _current(turn, fact.key, fact.dispatch)
    if run is not None and run.status is NodeStatus.QUEUED:
        turn.emit(e.NodeStarted(*fact.key, fact.dispatch, fact.started_at), fact.started_at)


def _attempt_ended(turn: Turn, fact: f.AttemptEnded) -> None:
    run = _current(turn, fact.key, fact.dispatch)
    if run is None:
        return
    turn.end_job(run)
    started_at = fact.started_at if run.status is NodeStatus.QUEUED else None
    if isinstance(fact.outcome, Cancelled):
        if turn.execution.status is ExecutionStatus.CANCELLING:
            cancel_run(turn, run)
        else:
            _lost(turn, run)
        return
    if turn.execution.status is ExecutionStatus.CANCELLING and isinstance(fact.outcome, Failed):
        # The failure is of no consequence any more: neither a retry nor an error path may start.
        cancel_run(turn, run)
        return
    conclude(turn, run, fact.outcome, started_at)


def _attempt_lost(turn: Turn, fact: f.AttemptLost) -> None:
    run = _current(turn, fact.key, fact.dispatch)
    if run is not None:
        turn.end_job(run)
        _lost(turn, run, blameless=fact.blameless)


def _lost(turn: Turn, run: NodeRun, *, blameless: bool = False) -> None:
    """Run an attempt that died with its worker again, with care, unless it has died too often."""
    lost = run.lost if blameless else run.lost + 1
    if turn.execution.status is ExecutionStatus.CANCELLING:
        cancel_run(turn, run)
    elif not run.node.retry_on_interrupt:
        fail_run(turn, run, Failed("worker_lost", "The worker died during the attempt", source="worker_lost"))
    elif lost >= MAX_LOST:
        message = f"The worker died during the attempt, {lost} times in all"
        fail_run(turn, run, Failed("worker_lost", message, source="worker_lost"))
    else:
        turn.emit(e.NodeInterrupted(run.node.id, run.iteration, lost))
        if turn.execution.status is not ExecutionStatus.PAUSED:
            queue(turn, run, careful=lost > 0)


def _current(turn: Turn, key: RunKey, dispatch: int) -> NodeRun | None:
    """The run that a worker speaks of, or None when its word comes too late."""
    run = turn.execution.runs.get(key)
    if run is None or run.dispatch != dispatch or run.status not in ACTIVE_NODE or turn.execution.final:
        turn.decision.discarded = True
        return None
    return run


def _timer_fired(turn: Turn, fact: f.TimerFired) -> None:
    node, iteration = fact.key or ("", "")
    turn.decision.ended_timers.append((fact.kind, node, iteration))
    execution = turn.execution
    if execution.final:
        turn.decision.discarded = True
    elif fact.kind is f.TimerKind.EXECUTION_TIMEOUT:
        _execution_timeout_fired(turn)
    elif fact.kind is f.TimerKind.CANCEL_GRACE:
        if execution.status is ExecutionStatus.CANCELLING:
            end_cancelled(turn, None, execution.reason)
    elif fact.key is not None:
        _node_timer_fired(turn, fact.kind, fact.key)


def _execution_timeout_fired(turn: Turn) -> None:
    due_at = turn.execution.timeout_at
    if due_at is None:
        turn.decision.discarded = True  # It was on its way when the pause stopped the count.
    elif due_at > turn.now:
        turn.set_timer(f.TimerKind.EXECUTION_TIMEOUT, due_at)  # It has been set anew meanwhile.
    else:
        end_timed_out(turn)


def _node_timer_fired(turn: Turn, kind: f.TimerKind, key: RunKey) -> None:
    run = turn.execution.runs.get(key)
    # In a paused execution a retry waits for the resumption, which looks for what has come due; no wait is too long.
    paused = turn.execution.status is ExecutionStatus.PAUSED
    if run is None:
        turn.decision.discarded = True
    elif run.due_at is not None and run.due_at > turn.now and _awaits(run, kind):
        turn.set_timer(kind, run.due_at, run)  # It has been set anew meanwhile.
    elif kind is f.TimerKind.DELAY and run.status is NodeStatus.WAITING:
        complete(turn, run, Completed(run.output))
    elif kind is f.TimerKind.SIGNAL and signals.is_awaiting(run) and not paused:
        signals.expire(turn, run)
    elif kind is f.TimerKind.RETRY and run.status is NodeStatus.RETRYING and not paused:
        queue(turn, run)


def _awaits(run: NodeRun, kind: f.TimerKind) -> bool:
    return run.status is (NodeStatus.RETRYING if kind is f.TimerKind.RETRY else NodeStatus.WAITING)


def _pause(turn: Turn, fact: f.Pause) -> None:
    execution = turn.execution
    if execution.status is ExecutionStatus.PAUSED:
        return
    if execution.final or execution.status is ExecutionStatus.CANCELLING:
        raise ConflictError(f"The execution is {execution.status}; it can't be paused")
    left = None
    if execution.timeout_at is not None:
        left = max(0, execution.timeout_at - turn.now)
        turn.clear_timer(f.TimerKind.EXECUTION_TIMEOUT)
    signals.stop_clocks(turn)
    turn.emit(e.ExecutionPaused(fact.by, fact.reason, left))
    calls.tell_called(turn)


def _resume(turn: Turn, fact: f.Resume) -> None:
    execution = turn.execution
    if execution.final or execution.status is ExecutionStatus.CANCELLING:
        raise ConflictError(f"The execution is {execution.status}; it can't be resumed")
    if execution.status is not ExecutionStatus.PAUSED:
        return
    left, paused_at = execution.time_left, execution.paused_at
    turn.emit(e.ExecutionResumed(fact.by))
    if left is not None:
        turn.set_timer(f.TimerKind.EXECUTION_TIMEOUT, turn.now + left)
    if paused_at is not None:
        signals.wait_longer(turn, turn.now - paused_at)
    _pump_loops(turn)
    for run in list(execution.runs.values()):
        if run.status is NodeStatus.RETRYING and (run.due_at or 0) <= turn.now:
            turn.clear_timer(f.TimerKind.RETRY, run)
            queue(turn, run, careful=run.lost > 0)
    calls.tell_called(turn)


def _cancel(turn: Turn, fact: f.Cancel) -> None:
    execution = turn.execution
    if execution.status in {ExecutionStatus.CANCELLED, ExecutionStatus.CANCELLING}:
        return
    if execution.final:
        raise ConflictError(f"The execution is {execution.status}; it can't be cancelled")
    stop_everything(turn, "the execution was cancelled", also_active=False)
    turn.emit(e.CancelRequested(fact.by, fact.reason))
    if execution.active:
        turn.decision.stop += [run.key for run in execution.runs.values() if run.status in ACTIVE_NODE]
        turn.set_timer(f.TimerKind.CANCEL_GRACE, turn.now + CANCEL_GRACE_MS)


def _terminate(turn: Turn, fact: f.Terminate) -> None:
    execution = turn.execution
    if execution.status is ExecutionStatus.CANCELLED:
        return
    if execution.final:
        raise ConflictError(f"The execution is {execution.status}; it can't be terminated")
    end_cancelled(turn, fact.by, fact.reason)


def _retry(turn: Turn, fact: f.Retry) -> None:
    execution = turn.execution
    if not execution.final or execution.status is ExecutionStatus.COMPLETED:
        raise ConflictError(
            f"The execution is {execution.status}; only a failed, timed out or cancelled one can be retried"
        )
    turn.emit(e.ExecutionRetried(fact.by, fact.hold))
    turn.decision.reopened = True
    _time_out(turn)
    for run in list(execution.runs.values()):
        unhandled = run.handling in {"fail", "drain"}
        if run.status is NodeStatus.CANCELLED or unhandled:
            turn.emit(e.NodeReset(run.node.id, run.iteration))
    _pump_loops(turn)


def _skip_node(turn: Turn, fact: f.SkipNode) -> None:
    execution = turn.execution
    node_id, iteration = fact.key
    if node_id not in execution.graph.nodes:
        raise NotFoundError(f"The workflow has no node {node_id}")
    run = execution.runs.get((node_id, iteration))
    if execution.final or execution.status is ExecutionStatus.CANCELLING:
        raise ConflictError(f"The execution is {execution.status}; none of its nodes can be skipped")
    if run is None or run.finished_at is not None or run.status is NodeStatus.PENDING:
        state = run.status if run else NodeStatus.PENDING
        raise ConflictError(f"The node {node_id} is {state}; only one that runs, retries or waits can be skipped")
    ports = ports_by_hand(run, fact.port)
    if run.loop is not None:
        loops.stop_iterations(turn, run, "the loop was skipped")
    elif run.status in ACTIVE_NODE:
        turn.end_job(run)
        turn.decision.stop.append(run.key)
    elif run.status is NodeStatus.RETRYING:
        turn.clear_timer(f.TimerKind.RETRY, run)
    else:
        end_wait(turn, run)
    complete(turn, run, Completed(fact.output, ports), by=fact.by or "")


def _broken(turn: Turn, fact: f.Broken) -> None:
    if not turn.execution.final:
        end_failed(turn, _engine_error("engine_error", fact.message))


def _engine_error(kind: str, message: str) -> JsonObject:
    return {
        "type": kind,
        "message": message,
        "node_id": None,
        "attempt": None,
        "retryable": False,
        "source": "engine",
        "details": None,
        "occurred_at": None,
    }


_FACTS: dict[type[f.Fact], Callable[[Turn, Any], None]] = {
    f.Start: _start,
    f.AttemptStarted: _attempt_started,
    f.AttemptEnded: _attempt_ended,
    f.AttemptLost: _attempt_lost,
    f.TimerFired: _timer_fired,
    f.CallAnswered: calls.answered,
    f.Signal: signals.receive,
    f.Admit: _admit,
    f.Pause: _pause,
    f.Resume: _resume,
    f.Cancel: _cancel,
    f.Terminate: _terminate,
    f.Retry: _retry,
    f.SkipNode: _skip_node,
    f.Broken: _broken,
}


def kept_events(history: list[tuple[int, e.Event]], execution: Execution, from_node: str) -> list[tuple[int, e.Event]]:
    """The results of an ended execution that a rerun from `from_node` uses again.

    These are the final events of every node that is neither `from_node` nor reached from it.
    Raises `NotFoundError` when there is no such node, `ConflictError` when it is in a loop.
    """
    again = {from_node} | descendants(rerun_start(execution.graph, from_node))
    final = (e.NodeCompleted, e.NodeFailed, e.NodeSkipped)
    return [
        (at, event)
        for at, event in history
        if isinstance(event, final)
        and event.node not in again
        and not event.iteration
        and (not isinstance(event, e.NodeFailed) or event.handling in {"continue", "error_output"})
    ]


def rerun_start(graph: Graph, from_node: str) -> Node:
    """The node that a rerun begins at; raises `NotFoundError`, and `ConflictError` within a loop."""
    node = graph.nodes.get(from_node)
    if node is None:
        raise NotFoundError(f"The workflow has no node {from_node}")
    if node.loop is not None:
        raise ConflictError(f"{from_node} is in the loop {node.loop.id}; a rerun can begin at the loop")
    return node
