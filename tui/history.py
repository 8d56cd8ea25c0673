"""What an event of the history says of a node run and of the execution: states as they come, without asking again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_EXECUTION = {
    "ExecutionStarted": "running",
    "ExecutionWaiting": "waiting",
    "ExecutionContinued": "running",
    "ExecutionPaused": "paused",
    "ExecutionResumed": "running",
    "CancelRequested": "cancelling",
    "ExecutionCompleted": "completed",
    "ExecutionFailed": "failed",
    "ExecutionTimedOut": "timed_out",
    "ExecutionCancelled": "cancelled",
    "ExecutionRetried": "running",
}
_NODE = {
    "NodeQueued": "queued",
    "NodeStarted": "running",
    "NodeCompleted": "completed",
    "NodeFailed": "failed",
    "NodeRetrying": "retrying",
    "NodeInterrupted": "retrying",
    "NodeSkipped": "skipped",
    "NodeWaiting": "waiting",
    "NodeCalled": "waiting",
    "LoopStarted": "running",
    "NodeCancelled": "cancelled",
    "NodeReset": "pending",
}
_WENT_ON = {"NodeCompleted": ("",), "NodeFailed": ()}
"""The edges that a node took when nothing else is written: all of its main port, or none."""
_ENDED = frozenset({"completed", "failed", "timed_out", "skipped", "cancelled"})
Document = dict[str, Any]


def execution_status(event: Mapping[str, Any]) -> str | None:
    """The state that the execution is in after the event; None when the event doesn't say."""
    return _EXECUTION.get(str(event["type"]))


def node_run(event: Mapping[str, Any]) -> Document | None:
    """What is new of a node run; None when the event says nothing of one."""
    status = _NODE.get(str(event["type"]))
    if status is None or not event.get("node_id"):
        return None
    data = event.get("data") or {}
    run: Document = {"node_id": event["node_id"], "iteration": event.get("iteration") or "", "status": status}
    if status == "failed" and _timed_out(data):
        run["status"] = status = "timed_out"
    if data.get("started_at") is not None:
        run["started_at"] = _time(data["started_at"])
    elif event["type"] == "LoopStarted":
        run |= {"started_at": event["at"], "total": data.get("total")}
    if status == "queued":
        run |= {"queued_at": event["at"], "attempt": data.get("attempt", 1), "finished_at": None}
    if status in _ENDED:
        run["finished_at"] = event["at"]
    if event["type"] == "NodeCalled":
        run["called"] = data.get("execution")
    if "error" in data:
        run["error"] = data["error"]
    if event["type"] in _WENT_ON:
        run["taken"] = data.get("taken", _WENT_ON[event["type"]])
    if "due_at" in data and data.get("awaits") != "call":
        run["due_at"] = _time(data["due_at"])
    if status == "skipped":
        run |= {"skip_reason": data.get("reason"), "skip_origin": data.get("origin")}
    return run


def _timed_out(data: Mapping[str, Any]) -> bool:
    error = data.get("error")
    return isinstance(error, dict) and error.get("source") == "timeout"


def _time(at: object) -> object:
    """Milliseconds since the epoch as RFC 3339, as the other documents have it."""
    if not isinstance(at, int | float):
        return at
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
