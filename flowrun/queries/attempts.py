"""The attempts of node runs, folded from their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowrun.domain.json import JsonObject
from flowrun.domain.states import Awaited
from flowrun.persistence.json_text import load
from flowrun.queries.documents import time

ATTEMPT_EVENTS = (
    "NodeQueued", "NodeStarted", "NodeRetrying", "NodeInterrupted", "NodeCompleted", "NodeFailed", "NodeCancelled",
    "NodeWaiting", "NodeCalled", "LoopStarted",
)  # fmt: skip
Event = Mapping[Any, Any]
Attempts = list[JsonObject]


def attempts_of(events: Iterable[Event]) -> dict[tuple[str, str], Attempts]:
    """The attempts by node id and iteration; rows of `execution_events` in order, `data` without payloads will do.

    An attempt is `{attempt, dispatch, status, error, queued_at, started_at, finished_at, due_at, called}`. `due_at` of
    a failed one is when the next begins; `called` is the execution that it has started, and waits for.
    """
    found: dict[tuple[str, str], Attempts] = {}
    for event in events:
        apply = _APPLY.get(event["type"])
        if apply is not None:
            key = (event["node_id"], event["iteration"] or "")
            apply(found.setdefault(key, []), event["at"], load(event["data"]) or {})
    return found


def _new(attempts: Attempts, status: str, **values: Any) -> JsonObject:  # noqa: ANN401 - any JSON
    attempt: JsonObject = {
        "attempt": 1,
        "dispatch": None,
        "status": status,
        "error": None,
        "queued_at": None,
        "started_at": None,
        "finished_at": None,
        "due_at": None,
        "called": None,
        **values,
    }
    attempts.append(attempt)
    return attempt


def _open(attempts: Attempts) -> JsonObject | None:
    """The attempt that has not ended."""
    return attempts[-1] if attempts and attempts[-1]["finished_at"] is None else None


def _queued(attempts: Attempts, at: int, data: JsonObject) -> None:
    _new(attempts, "queued", attempt=data["attempt"], dispatch=data["dispatch"], queued_at=time(at))


def _started(attempts: Attempts, _at: int, data: JsonObject) -> None:
    attempt = _open(attempts)
    if attempt is not None:
        attempt.update(status="running", started_at=_time(data["started_at"]))


def _waiting(attempts: Attempts, at: int, data: JsonObject) -> None:
    # A call waits for the other execution: its time is that of the call itself.
    due_at = None if data.get("awaits") == Awaited.CALL else _time(data["due_at"])
    attempt = _open(attempts)
    if attempt is not None and attempt["status"] == "waiting":
        attempt["due_at"] = due_at  # Its time stood still during a pause.
    else:
        _new(attempts, "waiting", started_at=time(at), due_at=due_at)


def _called(attempts: Attempts, _at: int, data: JsonObject) -> None:
    attempt = _open(attempts)
    if attempt is not None:
        attempt["called"] = data["execution"]


def _loop_started(attempts: Attempts, at: int, _data: JsonObject) -> None:
    _new(attempts, "running", started_at=time(at))


def _end(attempts: Attempts, at: int, data: JsonObject, status: str) -> JsonObject:
    # A node that the engine runs itself has its one attempt at the moment of its end.
    attempt = _open(attempts) or _new(attempts, status, started_at=time(at))
    attempt["started_at"] = _time(data.get("started_at")) or attempt["started_at"]
    attempt.update(status=status, finished_at=time(at))
    return attempt


def _completed(attempts: Attempts, at: int, data: JsonObject) -> None:
    if data.get("by") is None:
        _end(attempts, at, data, "completed")
    elif _open(attempts) is not None:
        # An operator gave the output: the attempt came to nothing.
        _end(attempts, at, data, "cancelled")


def _failed(attempts: Attempts, at: int, data: JsonObject) -> None:
    error = data.get("error")
    timed_out = isinstance(error, dict) and error.get("source") == "timeout"
    _end(attempts, at, data, "timed_out" if timed_out else "failed")["error"] = error


def _retrying(attempts: Attempts, at: int, data: JsonObject) -> None:
    _failed(attempts, at, data)
    attempts[-1]["due_at"] = _time(data.get("due_at"))


def _interrupted(attempts: Attempts, at: int, data: JsonObject) -> None:
    _end(attempts, at, data, "interrupted")


def _cancelled(attempts: Attempts, at: int, data: JsonObject) -> None:
    if _open(attempts) is not None:
        _end(attempts, at, data, "cancelled")


def _time(at: Any) -> str | None:  # noqa: ANN401 - JSON that flowrun wrote
    return time(at)


_APPLY: dict[str, Callable[[Attempts, int, JsonObject], None]] = {
    "NodeQueued": _queued,
    "NodeStarted": _started,
    "NodeWaiting": _waiting,
    "NodeCalled": _called,
    "LoopStarted": _loop_started,
    "NodeCompleted": _completed,
    "NodeFailed": _failed,
    "NodeRetrying": _retrying,
    "NodeInterrupted": _interrupted,
    "NodeCancelled": _cancelled,
}
