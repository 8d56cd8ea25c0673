"""What is known of every node while an execution runs, folded from its node runs, and how a state looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from tui.render.charset import UNICODE, Charset

Bodies = Mapping[str, Sequence[str]]
"""The nodes in the body of each loop."""
FINAL = frozenset({"completed", "failed", "skipped", "cancelled", "timed_out"})
FAILED = frozenset({"failed", "timed_out"})
UNTOUCHED = frozenset({"pending", "skipped"})
WENT_ON = frozenset({"completed", "failed", "timed_out"})
MAIN = ""
"""Stands for the edges of the main port."""
_LOUDEST = ("running", "retrying", "waiting", "queued", "failed", "timed_out", "cancelled", "completed", "skipped")
"""Of many runs of one node the state that stands for all: what still happens before what has gone wrong."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a node stands."""

    status: str = "pending"
    done: int | None = None
    """Of a node in a loop: iterations that have ended. Of a loop: those of its body."""
    total: int | None = None
    attempt: int = 0
    attempts: int | None = None
    """How many there may be, when that is known."""
    duration: float | None = None
    """Seconds, of all runs together; of one that has not ended, so far."""
    taken: frozenset[str] | None = None
    """Ids of the edges along which it went on, `MAIN` among them for all of its main port; None: not known."""


NO_STATE = NodeState()


def glyph(status: str, charset: Charset = UNICODE) -> str:
    """The sign of a state, one cell wide."""
    return charset.glyphs.get(status, charset.unknown)


def state_role(status: str) -> str:
    """The role that a state's sign is drawn in."""
    return f"state.{status}" if status in UNICODE.glyphs else "state.unknown"


def fold(runs: Iterable[Mapping[str, Any]], now: datetime, bodies: Bodies | None = None) -> dict[str, NodeState]:
    """The state of each node by its id, from the documents of node runs; iterations count as one node.

    With the bodies of loops, these know how far they are; how many iterations there will be when they begin with it, or
    when they have ended.
    """
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        by_node.setdefault(str(run.get("node_id")), []).append(run)
    states = {node_id: _folded(node_runs, now) for node_id, node_runs in by_node.items()}
    for loop, members in (bodies or {}).items():
        if loop in states:
            body = [run for node in members for run in by_node.get(node, ())]
            states[loop] = _counted(states[loop], by_node[loop], body)
    return states


def _counted(loop: NodeState, runs: list[Mapping[str, Any]], body: list[Mapping[str, Any]]) -> NodeState:
    """The state of a loop with the iterations of the nodes in its body."""
    totals = [run.get("total") for run in runs]
    known = sum(total for total in totals if isinstance(total, int)) if None not in totals else None
    begun = {run.get("iteration") for run in body if run.get("iteration")}
    open_ones = {run.get("iteration") for run in body if run.get("status") not in FINAL}
    if not begun:
        return loop
    if loop.status == "completed" and known is not None:
        return replace(loop, done=known, total=known)  # Of very many iterations only some are held.
    return replace(loop, done=len(begun - open_ones), total=len(begun) if loop.status in FINAL else known)


def _folded(runs: list[Mapping[str, Any]], now: datetime) -> NodeState:
    statuses = {str(run.get("status")) for run in runs}
    iterated = any(run.get("iteration") for run in runs)
    durations = [seconds for run in runs if (seconds := seconds_of(run, now)) is not None]
    return NodeState(
        status=next((status for status in _LOUDEST if status in statuses), min(statuses)),
        done=sum(run.get("status") in FINAL for run in runs) if iterated else None,
        total=len(runs) if iterated else None,
        attempt=max(int(run.get("attempt") or 0) for run in runs),
        duration=sum(durations) if durations else None,
        taken=_taken(runs),
    )


def _taken(runs: list[Mapping[str, Any]]) -> frozenset[str] | None:
    """The edges that any of the runs took; None as long as that isn't known of each that has gone on."""
    found = [run.get("taken") for run in runs if run.get("status") in WENT_ON]
    known = [taken for taken in found if taken is not None]
    return frozenset(chain(*known)) if known and len(known) == len(found) else None


def seconds_of(run: Mapping[str, Any], now: datetime) -> float | None:
    """How long a node run took, or takes so far, from its first attempt on; None before it has begun."""
    attempts = [attempt for attempt in run.get("attempts") or () if isinstance(attempt, Mapping)]
    if len(attempts) < 2 and isinstance(run.get("duration"), int | float):
        return float(run["duration"])
    begun = moment(attempts[0].get("started_at")) if attempts else None
    begun = begun or moment(run.get("started_at"))
    if begun is None:
        return None
    return max(0.0, ((moment(run.get("finished_at")) or now) - begun).total_seconds())


def moment(value: object) -> datetime | None:
    """The time that a document gives, None when it gives none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
