"""What can be done to an execution or a node, and why something can't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINAL = frozenset({"completed", "failed", "cancelled", "timed_out"})
SKIPPABLE = frozenset({"queued", "running", "retrying", "waiting"})
Document = Mapping[str, Any]


@dataclass(slots=True)
class Target:
    """What an action would be done to: the marked executions if there are any, else one and a node of it."""

    execution: dict[str, Any] | None = None
    node: dict[str, Any] | None = None
    marked: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Action:
    """A command of the service, and the key for it."""

    name: str
    key: str
    label: str
    doing: str
    """What is shown until the service has answered and the state has changed."""
    help: str
    bulk: bool = False
    """Whether the service takes it for many executions at once."""


PAUSE = Action("pause", "p", "pause", "pausing", "start no new node; running ones finish", bulk=True)
RESUME = Action("resume", "r", "resume", "resuming", "start nodes again", bulk=True)
RETRY = Action("retry", "R", "retry", "retrying", "run what failed again, keep what completed", bulk=True)
CANCEL = Action("cancel", "x", "cancel", "cancelling", "stop; running nodes may tidy up", bulk=True)
TERMINATE = Action("terminate", "X", "terminate", "terminating", "stop at once", bulk=True)
RERUN = Action("rerun", "e", "rerun", "rerunning", "run again as a new execution")
RERUN_FROM = Action("rerun_from", "E", "rerun from node", "rerunning", "a new execution from the selected node on")
SIGNAL = Action("signal", "s", "signal", "signalling", "send the signal that a node waits for")
SKIP = Action("skip", "K", "skip node", "skipping", "complete the selected node with an output of yours")
EXECUTION_ACTIONS = (PAUSE, RESUME, RETRY, CANCEL, TERMINATE, RERUN, RERUN_FROM, SIGNAL, SKIP)
BY_NAME = {action.name: action for action in EXECUTION_ACTIONS}


def unusable(*, readonly: bool, connected: bool, link: str) -> str | None:
    """Why no action at all is possible; None when actions are."""
    if readonly:
        return "the dashboard was started with --readonly"
    return None if connected else f"not connected ({link})"


def why_not(action: Action, execution: Document | None, node: Document | None = None) -> str | None:
    """Why the state doesn't allow the action; None when it does. The service has the last word."""
    if execution is None:
        return "no execution is selected"
    status = str(execution.get("status"))
    return _by_status(action, status) or _by_node(action, status, node)


def _by_status(action: Action, status: str) -> str | None:
    ended = f"it has ended ({_words(status)})"
    if action in {PAUSE, CANCEL, TERMINATE, RESUME, SKIP, SIGNAL} and status in FINAL:
        return ended
    if status == "cancelling" and action in {PAUSE, RESUME, CANCEL, SKIP, SIGNAL}:
        return "it is being cancelled"
    if (action is PAUSE) is (status == "paused") and action in {PAUSE, RESUME}:
        return f"it is {_words(status)}" + ("" if action is PAUSE else ", not paused")
    if action is RETRY and (status not in FINAL or status == "completed"):
        return f"it is {_words(status)}; only what failed, timed out or was cancelled can be retried"
    if action is RERUN_FROM and status not in FINAL:
        return f"it is {_words(status)}; a rerun from a node needs an execution that has ended"
    return None


def _by_node(action: Action, status: str, node: Document | None) -> str | None:
    if action not in {RERUN_FROM, SKIP, SIGNAL}:
        return None
    if action is SIGNAL:
        return None if status in {"waiting", "running", "paused"} else "nothing waits for a signal"
    if node is None:
        return "no node is selected"
    if action is RERUN_FROM:
        return "it is inside a loop; a rerun can begin at the loop" if node.get("iteration") else None
    state = str(node.get("status"))
    return None if state in SKIPPABLE else f"the node is {_words(state)}; only one that runs, retries or waits"


def _words(status: str) -> str:
    return status.replace("_", " ")
