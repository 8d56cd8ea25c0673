"""When an attempt fails: retries, then what the node's `on_error` says."""

from __future__ import annotations

from datetime import UTC, datetime

from flowrun.domain import events as e
from flowrun.domain.definition import ERROR_PORT, OnError
from flowrun.domain.execution import NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.facts import TimerKind
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed
from flowrun.domain.retry import next_wait
from flowrun.domain.scope import taken_edges
from flowrun.domain.states import ACTIVE_NODE, Awaited, ExecutionStatus, NodeStatus
from flowrun.domain.turn import Turn

MAX_LOST = 5
"""A node whose attempts die with their worker this often is taken to be what kills it."""


def error_object(failed: Failed, run: NodeRun, now: int) -> JsonObject:
    """The error as it is stored and shown (SEMANTICS: `{type, message, node_id, attempt, …}`)."""
    return {
        "type": failed.type,
        "message": failed.message,
        "node_id": run.node.id,
        "attempt": max(run.attempt, 1),
        "retryable": failed.retryable,
        "source": failed.source,
        "details": failed.details,
        "occurred_at": rfc3339(now),
    }


def rfc3339(at: int) -> str:
    """A time in ms since the epoch as RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def retry_or_fail(turn: Turn, run: NodeRun, failed: Failed, started_at: int | None = None) -> None:
    """Plan the next attempt, or fail the node for good."""
    node = run.node
    wait = next_wait(node.retry, failed, run.attempt, turn.jitter(), written=node.retry_written)
    if wait is None or turn.execution.failure is not None:
        fail_run(turn, run, failed, started_at)
        return
    due_at = turn.now + round(wait * 1000)
    error = error_object(failed, run, turn.now)
    turn.emit(e.NodeRetrying(run.node.id, run.iteration, error, due_at, started_at))
    turn.set_timer(TimerKind.RETRY, due_at, run)


def fail_run(turn: Turn, run: NodeRun, failed: Failed, started_at: int | None = None) -> None:
    """Fail the node for good and do what its `on_error` says."""
    if turn.execution.status is ExecutionStatus.CANCELLING:
        # The failure is of no consequence any more: no error path may start.
        cancel_run(turn, run)
        return
    handling = run.node.on_error
    error = error_object(failed, run, turn.now)
    taken: list[str] = []
    try:
        if handling is OnError.CONTINUE:
            ports = {edge.port for edge in run.node.out} - {ERROR_PORT}
            taken = taken_edges(turn.execution, run, ports, error, turn.now, error)
        elif handling is OnError.ERROR_OUTPUT:
            payload: JsonObject = {"error": error, "input": turn.execution.input_of(run)}
            taken = taken_edges(turn.execution, run, {ERROR_PORT}, payload, turn.now, error)
    except ExpressionError as unclear:
        # Where the error is to go cannot be told, so nothing handles it.
        handling = OnError.FAIL
        error = error_object(Failed("expression_error", str(unclear), details={"error": error}), run, turn.now)
    turn.emit(e.NodeFailed(run.node.id, run.iteration, error, handling.value, taken, started_at))
    if handling is OnError.FAIL and run.node.loop is None:
        end_failed(turn, error)  # Within a loop it is the loop that says what becomes of it.


def end_failed(turn: Turn, error: JsonObject) -> None:
    """End the execution as failed, stopping what still runs."""
    stop_everything(turn, "the execution failed")
    first = not turn.execution.failed_before
    turn.emit(e.ExecutionFailed(error))
    _finish(turn, start_error_workflow=first)


def end_timed_out(turn: Turn) -> None:
    """End the execution because the workflow's timeout passed, stopping what still runs."""
    timeout = turn.execution.graph.timeout
    stop_everything(turn, "the execution timed out")
    first = not turn.execution.failed_before
    error: JsonObject = {
        "type": "execution_timeout",
        "message": f"The execution took longer than its timeout of {timeout:g} s",
        "node_id": None,
        "attempt": None,
        "retryable": False,
        "source": "timeout",
        "details": None,
        "occurred_at": rfc3339(turn.now),
    }
    turn.emit(e.ExecutionTimedOut(error))
    _finish(turn, start_error_workflow=first)


def end_cancelled(turn: Turn, by: str | None, reason: str | None) -> None:
    """End the execution as cancelled, stopping what still runs."""
    stop_everything(turn, "the execution was cancelled")
    turn.emit(e.ExecutionCancelled(by, reason))
    _finish(turn, start_error_workflow=False)


def end_completed(turn: Turn) -> None:
    """End the execution: every node has its final state."""
    output = None if turn.execution.response is not None else turn.execution.final_output()
    turn.emit(e.ExecutionCompleted(output))
    _finish(turn, start_error_workflow=False)


def _finish(turn: Turn, *, start_error_workflow: bool) -> None:
    turn.decision.finished = True
    if turn.execution.graph.timeout is not None:
        turn.clear_timer(TimerKind.EXECUTION_TIMEOUT)
    turn.clear_timer(TimerKind.CANCEL_GRACE)
    caller = turn.execution.trigger.get("caller")
    if isinstance(caller, dict) and caller.get("wait"):
        turn.set_timer(TimerKind.ANSWER, turn.now)
    by_error = turn.execution.trigger.get("type") == "error"
    if start_error_workflow and turn.execution.graph.on_error is not None and not by_error:
        turn.set_timer(TimerKind.ERROR_WORKFLOW, turn.now)


def stop_everything(turn: Turn, reason: str, *, also_active: bool = True) -> None:
    """Cancel every run that waits, retries or (with `also_active`) has been handed to a worker."""
    for run in list(turn.execution.runs.values()):
        if also_active or run.status not in ACTIVE_NODE:
            stop_run(turn, run, reason)


def end_wait(turn: Turn, run: NodeRun) -> None:
    """Let a waiting run's timer go; that of a call fires instead, and stops the called execution."""
    if run.awaits == Awaited.CALL:
        turn.set_timer(TimerKind.CALL, turn.now, run)
    else:
        turn.clear_timer(TimerKind.SIGNAL if run.awaits == Awaited.SIGNAL else TimerKind.DELAY, run)


def stop_run(turn: Turn, run: NodeRun, reason: str) -> None:
    """Cancel one run, if it waits, retries, loops or has been handed to a worker."""
    if run.status is NodeStatus.RETRYING:
        turn.clear_timer(TimerKind.RETRY, run)
    elif run.status is NodeStatus.WAITING:
        end_wait(turn, run)
    elif run.status not in ACTIVE_NODE:
        return
    elif run.loop is None:
        turn.end_job(run)
        turn.decision.stop.append(run.key)
    cancel_run(turn, run, reason)


def cancel_run(turn: Turn, run: NodeRun, reason: str = "the execution was cancelled") -> None:
    """Let a run have been cancelled; a timer sees to what it has called: its worker may have died before it could."""
    turn.emit(e.NodeCancelled(run.node.id, run.iteration, reason))
    if run.node.type.calls_workflows:
        turn.set_timer(TimerKind.CALL, turn.now, run)
