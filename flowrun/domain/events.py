"""What has happened to an execution: the numbered facts of its history, in the past tense.

An event is never changed once made (the classes aren't frozen because a frozen one takes three times as
long to make, and the engine makes several a step). Times are milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import ClassVar

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import Awaited


@dataclass(slots=True)
class Event:
    """The common part; `type` names the class in the stored history."""

    type: ClassVar[str]


@dataclass(slots=True)
class ExecutionCreated(Event):
    """A trigger was accepted. `input` is None when it is the trigger's body."""

    workflow_id: str
    version: int
    trigger_node: str
    trigger: JsonObject
    input: JsonValue = None
    by: str | None = None
    rerun_of: str | None = None


@dataclass(slots=True)
class ExecutionStarted(Event):
    """The first node may run."""


@dataclass(slots=True)
class ExecutionWaiting(Event):
    """Nothing runs; a timer or a signal will carry the execution on."""


@dataclass(slots=True)
class ExecutionContinued(Event):
    """What the execution waited for has come."""


@dataclass(slots=True)
class ExecutionPaused(Event):
    """No new node starts. `time_left` is what remains of the execution's timeout, in ms."""

    by: str | None = None
    reason: str | None = None
    time_left: int | None = None


@dataclass(slots=True)
class ExecutionResumed(Event):
    """Nodes start again."""

    by: str | None = None


@dataclass(slots=True)
class CancelRequested(Event):
    """Running nodes were told to stop."""

    by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class ExecutionCompleted(Event):
    """Every node has its final state. `output` is None when a response was sent: the output is its body."""

    output: JsonValue = None


@dataclass(slots=True)
class ExecutionFailed(Event):
    """A node failed and nothing handles it."""

    error: JsonObject


@dataclass(slots=True)
class ExecutionTimedOut(Event):
    """The workflow's timeout passed."""

    error: JsonObject


@dataclass(slots=True)
class ExecutionCancelled(Event):
    """The execution was stopped by command."""

    by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class SignalReceived(Event):
    """Someone outside has sent a signal; the node that waits for it completes, or the next to wait takes it."""

    name: str
    data: JsonValue = None
    target: list[str] | None = None
    """The node and the iteration that it is for; None: whichever waits for the name."""
    by: str | None = None


@dataclass(slots=True)
class ExecutionRetried(Event):
    """An operator lets what failed run again, at once or, `held`, when there is room for the execution."""

    by: str | None = None
    held: bool = False


@dataclass(slots=True)
class NodeEvent(Event):
    """Something happened to one run of a node; `iteration` is empty outside loops."""

    node: str
    iteration: str


@dataclass(slots=True)
class NodeQueued(NodeEvent):
    """An attempt was handed to the workers under the number `dispatch`, which its result must carry."""

    attempt: int
    dispatch: int


@dataclass(slots=True)
class NodeStarted(NodeEvent):
    """A worker has begun the attempt (recorded for attempts that last, and before careful ones)."""

    dispatch: int
    started_at: int


@dataclass(slots=True)
class NodeCompleted(NodeEvent):
    """The node is done. `taken` lists edge ids; None: every edge of the main port, none of the error port."""

    output: JsonValue = None
    taken: list[str] | None = None
    started_at: int | None = None
    responds: bool = False
    by: str | None = None
    """Who skipped the node by command and gave this output."""
    signal: int | None = None
    """The number of the `SignalReceived` that ended the node's wait."""


@dataclass(slots=True)
class NodeFailed(NodeEvent):
    """The node has failed for good. `handling` is the node's `on_error`; `taken` lists edge ids."""

    error: JsonObject
    handling: str
    taken: list[str] = field(default_factory=list)
    started_at: int | None = None


@dataclass(slots=True)
class NodeRetrying(NodeEvent):
    """The attempt failed, the next one is due at `due_at`."""

    error: JsonObject
    due_at: int
    started_at: int | None = None


@dataclass(slots=True)
class NodeInterrupted(NodeEvent):
    """The attempt died with its worker; `lost` attempts have by now."""

    lost: int


@dataclass(slots=True)
class NodeSkipped(NodeEvent):
    """The node will not run: `reason`, and the node `origin` where the skipping began."""

    reason: str
    origin: str


@dataclass(slots=True)
class NodeWaiting(NodeEvent):
    """The node waits until `due_at` for a time, and then completes with `output`, or longer for something else."""

    due_at: int | None
    """None: as long as it takes."""
    output: JsonValue = None
    """For a call or a signal: what is asked of the other side."""
    awaits: str = Awaited.TIME


@dataclass(slots=True)
class NodeCalled(NodeEvent):
    """The execution that the node waits for has been started."""

    execution: str


@dataclass(slots=True)
class LoopStarted(NodeEvent):
    """A loop has begun, over so many items; None when a condition decides."""

    total: int | None = None


@dataclass(slots=True)
class IterationStarted(NodeEvent):
    """The body of a loop begins for an item, in a scope of its own. `taken` lists edge ids; None: all of them."""

    index: int
    item: JsonValue = None
    taken: list[str] | None = None


@dataclass(slots=True)
class IterationEnded(NodeEvent):
    """Every node of the body has ended for an item, or one has failed and its error is collected."""

    index: int
    output: JsonValue = None
    error: JsonObject | None = None


@dataclass(slots=True)
class NodeCancelled(NodeEvent):
    """The node was stopped: `reason`."""

    reason: str


@dataclass(slots=True)
class NodeReset(NodeEvent):
    """The node will run anew, by an operator's retry."""


def _concrete(base: type[Event]) -> list[type[Event]]:
    found: list[type[Event]] = []
    for cls in base.__subclasses__():
        found += [] if cls is NodeEvent else [cls]
        found += _concrete(cls)
    return found


EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in _concrete(Event)}
_HEAD = frozenset({"node", "iteration"})
_BODY: dict[type[Event], tuple[tuple[str, object], ...]] = {}
for _cls in EVENT_TYPES.values():
    _cls.type = _cls.__name__
    _BODY[_cls] = tuple(
        (f.name, [] if f.default_factory is not MISSING else f.default) for f in fields(_cls) if f.name not in _HEAD
    )


def event_data(event: Event) -> JsonObject | None:
    """The event's own fields beside node and iteration, defaults left out; None when nothing remains."""
    data = {}
    for name, default in _BODY[type(event)]:
        value = getattr(event, name)
        if value is not default and value != default:
            data[name] = value
    return data or None


def restore_event(kind: str, node: str | None, iteration: str, data: JsonObject | None) -> Event:
    """The event that was stored; raises `KeyError` for a kind that this version doesn't know."""
    cls = EVENT_TYPES[kind]
    if issubclass(cls, NodeEvent):
        return cls(node=node or "", iteration=iteration, **(data or {}))
    return cls(**(data or {}))
