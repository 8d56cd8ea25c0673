"""One decision in the making: its events, applied as they are made, and what is to be done after the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowrun.domain.events import Event
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.facts import TimerKind
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import NodeType
from flowrun.domain.secret_marks import new_token
from flowrun.domain.states import ExecutionStatus


@dataclass(slots=True, eq=False)
class Job:
    """One attempt for a worker. The payload is decided; nothing in it changes between attempts."""

    execution_id: str
    node_id: str
    iteration: str
    dispatch: int
    attempt: int
    lost: int
    tenant_id: str
    workflow_id: str
    node_type: str
    worker: str
    params: JsonObject
    input: JsonValue
    timeout: float
    """Seconds."""
    careful: bool
    """The start is committed before the attempt begins, so that a death in it is known."""
    queued_at: int
    secret_token: str | None = None
    """What the marks of secrets in `params` are known by (`flowrun.domain.secret_marks`); None: there are none."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The key over all executions."""
        return (self.execution_id, self.node_id, self.iteration)

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this node run: `execution:node:iteration`."""
        return f"{self.execution_id}:{self.node_id}:{self.iteration}"


@dataclass(slots=True)
class Timer:
    """Something due at `due_at` (ms). Node timers carry the run's key."""

    kind: TimerKind
    due_at: int
    node_id: str = ""
    iteration: str = ""


@dataclass(slots=True)
class Decision:
    """What one turn decided: written in one transaction, then acted on."""

    events: list[tuple[int, int, Event]] = field(default_factory=list)
    """Number, time (ms) and event."""
    touched: dict[RunKey, NodeRun] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    ended_jobs: list[RunKey] = field(default_factory=list)
    """Runs that no longer need a worker: their job rows go."""
    stop: list[RunKey] = field(default_factory=list)
    """Runs whose workers are to be told to stop."""
    timers: list[Timer] = field(default_factory=list)
    ended_timers: list[tuple[TimerKind, str, str]] = field(default_factory=list)
    before: ExecutionStatus | None = None
    """The execution's state before it; None: there was none yet."""
    status_changed: bool = False
    """The execution's own row changed."""
    finished: bool = False
    responded: bool = False
    unanswered: bool = False
    """Every response node has ended without an answer."""
    reopened: bool = False
    """The execution had ended, and runs again."""
    discarded: bool = False
    """The fact came too late and changed nothing."""


class Turn:
    """Collects a decision; each event changes the execution at once, so that later steps see it."""

    __slots__ = ("_secret_token", "decision", "execution", "jitter", "now")

    def __init__(self, execution: Execution, now: int, jitter: Callable[[], float]) -> None:
        self.execution = execution
        self.now = now
        self.jitter = jitter
        """A random number in [0, 1), given from outside."""
        self.decision = Decision(before=execution.status if execution.seq else None)
        self._secret_token: str | None = None

    @property
    def secret_token(self) -> str:
        """What the marks of secrets in this decision's jobs are known by."""
        if self._secret_token is None:
            self._secret_token = new_token(self.jitter)
        return self._secret_token

    def emit(self, event: Event, at: int | None = None) -> None:
        """Let one event happen."""
        at = self.now if at is None else at
        run = evolve(self.execution, event, at)
        self.decision.events.append((self.execution.seq, at, event))
        if run is None:
            self.decision.status_changed = True
        else:
            self.decision.touched[run.node.id, run.iteration] = run

    def set_timer(self, kind: TimerKind, due_at: int, run: NodeRun | None = None) -> None:
        """Let a timer be written with this decision."""
        if run is None:
            self.decision.timers.append(Timer(kind, due_at))
        else:
            self.decision.timers.append(Timer(kind, due_at, run.node.id, run.iteration))

    def clear_timer(self, kind: TimerKind, run: NodeRun | None = None) -> None:
        """Let a timer be removed with this decision, also one that this very decision set."""
        node, iteration = ("", "") if run is None else run.key
        self.decision.timers = [
            t for t in self.decision.timers if (t.kind, t.node_id, t.iteration) != (kind, node, iteration)
        ]
        self.decision.ended_timers.append((kind, node, iteration))

    def hand_out(self, run: NodeRun, params: JsonObject, *, careful: bool) -> None:
        """Let a job be written for the run's present attempt."""
        node, execution = run.node, self.execution
        kind: NodeType = node.type
        job = Job(
            execution_id=execution.id,
            node_id=node.id,
            iteration=run.iteration,
            dispatch=run.dispatch,
            attempt=run.attempt,
            lost=run.lost,
            tenant_id=execution.tenant_id,
            workflow_id=execution.graph.workflow_id,
            node_type=kind.name,
            worker=kind.worker,
            params=params,
            input=execution.input_of(run) if kind.needs_input else None,
            timeout=node.timeout,
            careful=careful,
            queued_at=self.now,
            secret_token=self.secret_token if node.params.secret_refs else None,
        )
        self.decision.jobs.append(job)

    def end_job(self, run: NodeRun) -> None:
        """Let the run's job row be removed, also one that this very decision made."""
        key = run.key
        self.decision.jobs = [job for job in self.decision.jobs if (job.node_id, job.iteration) != key]
        self.decision.ended_jobs.append(key)
