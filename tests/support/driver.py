"""Plays everything around the decision: the workers, the timers, the database and the operator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from flowrun.domain import facts as f
from flowrun.domain.decide import decide
from flowrun.domain.definition import Join
from flowrun.domain.events import Event, NodeCompleted, NodeEvent, NodeQueued, event_data, restore_event
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.facts import TimerKind
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Cancelled, Completed, Failed, Outcome, Respond
from flowrun.domain.states import ACTIVE_NODE, ExecutionStatus, NodeStatus
from flowrun.domain.turn import Decision, Job

START = 1_000_000_000_000
History = list[tuple[int, Event]]
TimerKey = tuple[TimerKind, str, str]
FOLLOWED_ELSEWHERE = frozenset({TimerKind.ERROR_WORKFLOW, TimerKind.EVENT, TimerKind.CALL})
"""Timers that are no fact of the execution which set them."""


class Driver:
    """One execution with its committed jobs, timers and history.

    After every decision it is checked that nothing can get lost: see `_check`.
    """

    def __init__(self, graph: Graph, *, jitter: Callable[[], float] = lambda: 1.0) -> None:
        self.graph = graph
        self.execution = Execution("x1", "acme", graph)
        self.now = START
        self.jitter = jitter
        self.jobs: dict[str, Job] = {}
        self.timers: dict[TimerKey, int] = {}
        self.history: History = []
        self.stopped: list[str] = []
        """Nodes whose workers were told to stop."""
        self.last = Decision()
        self._dispatches: dict[str, int] = {}

    # --- what comes in

    def send(self, *facts: f.Fact) -> Decision:
        """Decide over facts in one turn, and commit."""
        self.last = decision = decide(self.execution, list(facts), self.now, self.jitter)
        for seq, at, event in decision.events:
            assert seq == len(self.history) + 1, "events are numbered without gaps"
            self._note(event)
            self.history.append((at, event))
        for node, _ in decision.ended_jobs:
            self.jobs.pop(node, None)
        for key in decision.ended_timers:
            self.timers.pop(key, None)
        self.jobs.update({job.node_id: job for job in decision.jobs})
        self.timers.update({(t.kind, t.node_id, t.iteration): t.due_at for t in decision.timers})
        self.stopped += [node for node, _ in decision.stop]
        self._check()
        return decision

    def start(self, body: JsonValue = None, *, trigger: str = "t", **more: Any) -> Driver:
        """Let a trigger fire."""
        self.send(f.Start(trigger, {"type": "manual", "body": body}, **more))
        return self

    def started(self, node: str) -> Decision:
        """A worker begins with the node."""
        return self.send(f.AttemptStarted((node, ""), self.jobs[node].dispatch, self.now))

    def ended(self, node: str, outcome: Outcome | Cancelled, dispatch: int | None = None) -> Decision:
        """A worker gives a result, of the present attempt unless `dispatch` says another."""
        number = self.jobs[node].dispatch if dispatch is None else dispatch
        return self.send(f.AttemptEnded((node, ""), number, outcome, self.now))

    def complete(self, node: str, output: JsonValue = None, *ports: str) -> Decision:
        """A worker completes the node; its output is its id when none is given."""
        return self.ended(node, Completed(node if output is None else output, ports or ("main",)))

    def fail(self, node: str, kind: str = "boom", *, retryable: bool = False, **more: Any) -> Decision:
        """A worker's attempt fails."""
        return self.ended(node, Failed(kind, f"{kind} happened", retryable=retryable, **more))

    def time_out(self, node: str) -> Decision:
        """A worker's attempt takes longer than the node's timeout."""
        return self.fail(node, "timeout", retryable=True, source="timeout")

    def respond(self, node: str, body: JsonValue, status: int = 200) -> Decision:
        """A worker answers the waiting caller."""
        return self.ended(node, Respond({"status": status, "headers": {}, "body": body}, status, {}, body))

    def lose(self, node: str) -> Decision:
        """The worker dies in the attempt."""
        return self.send(f.AttemptLost((node, ""), self.jobs[node].dispatch))

    def signal(self, name: str | None, data: JsonValue = None, node: str | None = None) -> Decision:
        """Someone outside sends a signal, by its name or to a node."""
        return self.send(f.Signal(name, data, None if node is None else (node, ""), "ann"))

    def fire(self, kind: TimerKind, node: str | None = None) -> Decision:
        """A timer's word arrives, due or not."""
        return self.send(f.TimerFired(kind, None if node is None else (node, "")))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; timers fire when they are due, in the order of their times."""
        until = self.now + round(seconds * 1000)
        while due := [(at, key) for key, at in self.timers.items() if at <= until]:
            at, (kind, node, _) = min(due, key=lambda entry: entry[0])
            self.now = max(self.now, at)
            if kind in FOLLOWED_ELSEWHERE:
                del self.timers[min(due, key=lambda entry: entry[0])[1]]
            else:
                self.fire(kind, node or None)
        self.now = until

    # --- what can be seen

    @property
    def status(self) -> str:
        """The execution's."""
        return self.execution.status.value

    def run(self, node: str) -> NodeRun:
        """The run of a node."""
        return self.execution.runs[node, ""]

    def state(self, *nodes: str) -> str:
        """The states of nodes, separated by spaces."""
        runs = [self.execution.runs.get((node, "")) for node in nodes]
        return " ".join(run.status.value if run else "pending" for run in runs)

    def input(self, node: str) -> JsonValue:
        """A node's input."""
        return self.execution.input_of(self.run(node))

    def events(self, kind: type[Event], node: str | None = None) -> list[Any]:
        """The recorded events of a kind."""
        found = [event for _, event in self.history if isinstance(event, kind)]
        return [event for event in found if node is None or getattr(event, "node", None) == node]

    def timer(self, kind: TimerKind, node: str = "") -> float | None:
        """In how many seconds a timer is due; None when it isn't set."""
        at = self.timers.get((kind, node, ""))
        return None if at is None else (at - self.now) / 1000

    def copy(self) -> Driver:
        """The same after a restart: the state folded from the stored history."""
        other = Driver(self.graph, jitter=self.jitter)
        other.history, other.now = list(self.history), self.now
        other.jobs, other.timers = dict(self.jobs), dict(self.timers)
        other._dispatches = dict(self._dispatches)
        other.execution = fold(self.graph, stored(self.history))
        return other

    # --- what must always hold

    def _note(self, event: Event) -> None:
        if isinstance(event, NodeQueued):
            assert event.dispatch > self._dispatches.get(event.node, 0), "dispatch numbers increase"
            self._dispatches[event.node] = event.dispatch
        if isinstance(event, NodeEvent) and not isinstance(event, NodeCompleted):
            done = [
                e
                for _, e in self.history
                if isinstance(e, NodeCompleted) and (e.node, e.iteration) == (event.node, event.iteration)
            ]
            assert not done, f"{event.node} has completed, and now {event}"

    def _check(self) -> None:
        """Whatever is under way has a row that will carry it on, and nothing else has one."""
        execution = self.execution
        runs = list(execution.runs.values())
        active = {run.node.id: run.dispatch for run in runs if run.status in ACTIVE_NODE and run.loop is None}
        assert active == {node: job.dispatch for node, job in self.jobs.items()}
        for run in runs:
            if run.status is NodeStatus.WAITING and run.awaits == "time":
                self._check_timer(TimerKind.DELAY, run)
            elif execution.status is ExecutionStatus.PAUSED:
                continue  # Looked for at the resumption.
            elif run.status is NodeStatus.WAITING and run.awaits == "signal":
                self._check_timer(TimerKind.SIGNAL, run)
            elif run.status is NodeStatus.RETRYING:
                self._check_timer(TimerKind.RETRY, run)
        waiting = {node for kind, node, _ in self.timers if node and kind not in FOLLOWED_ELSEWHERE}
        assert waiting <= {run.node.id for run in runs if run.due_at is not None}
        assert self.timers.get((TimerKind.EXECUTION_TIMEOUT, "", "")) == self._timeout_at()
        if execution.status in {ExecutionStatus.RUNNING, ExecutionStatus.WAITING} and execution.failure is None:
            late = [run.node.id for run in runs if run.status is NodeStatus.PENDING and _may_start(run)]
            assert not late, f"the join of {late} is decided, and nothing follows"
        if execution.final:
            assert not self.jobs
            assert all(kind in FOLLOWED_ELSEWHERE for kind, _, _ in self.timers)
        elif execution.status not in {ExecutionStatus.PAUSED, ExecutionStatus.QUEUED}:  # It will be admitted.
            awaited = any(run.awaits in {"signal", "call"} for run in runs if run.status is NodeStatus.WAITING)
            assert self.jobs or self.timers or awaited, "it hangs: nothing will carry it on"

    def _timeout_at(self) -> int | None:
        execution = self.execution
        return None if execution.final or execution.status is ExecutionStatus.PAUSED else execution.timeout_at

    def _check_timer(self, kind: TimerKind, run: NodeRun) -> None:
        assert self.timers.get((kind, run.node.id, "")) == run.due_at


def _may_start(run: NodeRun) -> bool:
    """Whether the join says by now that the node runs or is skipped."""
    dead = run.resolved - len(run.taken)
    early = {Join.ANY: bool(run.taken), Join.ALL_REQUIRED: dead > 0, Join.ALL: False}[run.node.join]
    return early or run.resolved == len(run.node.ins)


def fold(graph: Graph, history: Iterable[tuple[int, Event]]) -> Execution:
    """The state that a history leads to."""
    execution = Execution("x1", "acme", graph)
    for at, event in history:
        evolve(execution, event, at)
    return execution


def stored(history: History) -> History:
    """The history after a trip through JSON, as the database does it."""
    found: History = []
    for at, event in history:
        node = event.node if isinstance(event, NodeEvent) else None
        data = json.loads(json.dumps(event_data(event)))
        found.append((at, restore_event(event.type, node, "", data)))
    return found


def snapshot(execution: Execution) -> dict[str, Any]:
    """Every field of the state, comparable.

    Of `ready` only who is in it counts: the fold keeps entries there that have been started since, so the same
    node may stand in it at an older place.
    """
    state = {field.name: getattr(execution, field.name) for field in fields(Execution)}
    state["runs"] = {key: _fields(run) for key, run in execution.runs.items()}
    state["scopes"] = {key: (s.owner.key, s.index, s.item, s.ended) for key, s in execution.scopes.items()}
    state["ready"] = {run.node.id for run in execution.ready if run.status is NodeStatus.PENDING}
    return state


def _fields(run: NodeRun) -> dict[str, Any]:
    state = {field.name: getattr(run, field.name) for field in fields(NodeRun)}
    if run.loop is not None:  # Its plan is looked up anew after a restart.
        state["loop"] = replace(run.loop, plan=None)
    return state
