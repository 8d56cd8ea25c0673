"""What reaches an execution from outside: triggers, results, timers and commands, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from flowrun.domain.events import Event
from flowrun.domain.execution import RunKey
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Cancelled, Completed, Failed, Outcome


class TimerKind(StrEnum):
    """What a timer is for."""

    RETRY = "retry"
    DELAY = "delay"
    EXECUTION_TIMEOUT = "execution_timeout"
    CANCEL_GRACE = "cancel_grace"
    """A worker that was told to stop has had its time."""
    CALL = "call"
    """The workflow that a node calls is to be started, or told what has become of its caller."""
    SIGNAL = "signal"
    """A node has waited for its signal long enough."""
    ANSWER = "answer"
    """The end of this execution is to be told to the node that called it."""
    CONTINUE = "continue"
    """A turn was cut short; what is ready goes on."""
    ERROR_WORKFLOW = "error_workflow"
    """The workflow that handles the failure of this one is to be started."""
    EVENT = "event"
    """An event that a node has emitted is to be delivered."""


@dataclass(slots=True)
class Start:
    """A trigger fired. `kept` are events of an earlier execution whose results are used again (rerun)."""

    trigger_node: str
    trigger: JsonObject
    input: JsonValue = None
    by: str | None = None
    rerun_of: str | None = None
    hold: bool = False
    """Create the execution as queued: it starts when it is admitted."""
    kept: list[tuple[int, Event]] = field(default_factory=list)
    """Pairs of the time (ms) and the event."""


@dataclass(slots=True)
class AttemptStarted:
    """A worker has begun an attempt."""

    key: RunKey
    dispatch: int
    started_at: int


@dataclass(slots=True)
class AttemptEnded:
    """A worker has ended an attempt."""

    key: RunKey
    dispatch: int
    outcome: Outcome | Cancelled
    started_at: int | None = None


@dataclass(slots=True)
class AttemptLost:
    """The process or the worker died in an attempt, or (`blameless`) was told to stop."""

    key: RunKey
    dispatch: int
    blameless: bool = False


@dataclass(slots=True)
class TimerFired:
    """A timer came due."""

    kind: TimerKind
    key: RunKey | None = None


class Wish(StrEnum):
    """What a node wants of the execution that it has called."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(slots=True)
class CallAnswered:
    """A called workflow has begun (`outcome` None: its caller waits for the end), has ended, or cannot be started."""

    key: RunKey
    outcome: Completed | Failed | None
    called: str | None = None
    """The execution that was started."""
    fulfilled: Wish | None = None
    """What the timer of the call has seen to; None: the called one speaks for itself."""
    call: str | None = None
    """Which call it is about (`calls.call_name`): an earlier one is no longer waited for. None: there is but one."""


@dataclass(slots=True)
class Signal:
    """Someone outside answers a node that waits: the one of that key, or whichever waits for the name."""

    name: str | None
    data: JsonValue = None
    key: RunKey | None = None
    by: str | None = None


@dataclass(slots=True)
class Admit:
    """There is room for a queued execution."""


@dataclass(slots=True)
class Pause:
    """Start no new node."""

    by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Resume:
    """Start nodes again."""

    by: str | None = None


@dataclass(slots=True)
class Cancel:
    """Stop, and let running workers stop by themselves."""

    by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Terminate:
    """Stop at once."""

    by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Retry:
    """Let failed and cancelled nodes run again."""

    by: str | None = None
    hold: bool = False
    """There is no room for the execution now: it is queued, and goes on when it is admitted."""


@dataclass(slots=True)
class SkipNode:
    """Complete a stuck node with an output given by an operator."""

    key: RunKey
    output: JsonValue = None
    by: str | None = None
    port: str | None = None
    """Which edges follow; None: those that follow a success."""


@dataclass(slots=True)
class Broken:
    """The engine itself cannot go on with the execution: a bug, or a state that cannot be stored."""

    message: str


Fact = (
    Start
    | AttemptStarted
    | AttemptEnded
    | AttemptLost
    | TimerFired
    | CallAnswered
    | Signal
    | Admit
    | Pause
    | Resume
    | Cancel
    | Terminate
    | Retry
    | SkipNode
    | Broken
)
