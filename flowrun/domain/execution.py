"""The state of one execution: its node runs, what is ready to run, and how they are counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from flowrun.domain.definition import Join
from flowrun.domain.graph import Graph, Node
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import LoopPlan
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus, NodeStatus

RunKey = tuple[str, str]
"""A node run within its execution: node id and iteration (empty outside loops)."""


def child_iteration(iteration: str, index: int) -> str:
    """The name of an iteration: `3`, within another loop `3.0`."""
    return f"{iteration}.{index}" if iteration else str(index)


def cut_iteration(iteration: str, depth: int) -> str:
    """The iteration of an enclosing scope, in `depth` loops."""
    return ".".join(iteration.split(".")[:depth]) if depth else ""


@dataclass(slots=True, eq=False)
class LoopState:
    """Where a loop stands."""

    total: int | None
    started: int = 0
    running: int = 0
    outputs: dict[int, JsonValue] = field(default_factory=dict)
    last: JsonValue = None
    """Without items: the latest iteration's output, at first the loop's input."""
    plan: LoopPlan | None = None
    """What is known of the params: looked up anew where the history was loaded."""


@dataclass(slots=True, eq=False)
class Scope:
    """One iteration that runs."""

    owner: NodeRun
    index: int
    iteration: str
    item: JsonValue
    ended: int = 0
    """Runs of the body that have ended."""

    @property
    def key(self) -> RunKey:
        """The key within the execution: the loop's id and the name of the iteration."""
        return (self.owner.node.id, self.iteration)


@dataclass(slots=True, eq=False)
class NodeRun:
    """One run of one node. Times are ms since the epoch."""

    node: Node
    iteration: str
    status: NodeStatus = NodeStatus.PENDING
    attempt: int = 0
    lost: int = 0
    """Attempts that died with their worker; they don't count as attempts."""
    dispatch: int = 0
    """How often the node was handed to the workers; a result counts under the latest number alone."""
    resolved: int = 0
    """Incoming edges that have resolved."""
    taken: list[int] = field(default_factory=list)
    """The indices of the incoming edges that were taken, in the order of their arrival."""
    output: JsonValue = None
    error: JsonObject | None = None
    handling: str | None = None
    """How the final failure was handled; None unless failed."""
    skip_reason: str | None = None
    skip_origin: str | None = None
    queued_at: int | None = None
    """When the first attempt was handed out: the `now()` of the node's params in every attempt."""
    started_at: int | None = None
    finished_at: int | None = None
    due_at: int | None = None
    """When a retrying or waiting run goes on."""
    awaits: str | None = None
    """What a waiting run waits for (`flowrun.domain.states.Awaited`)."""
    called: str | None = None
    """The execution that the node has called and waits for."""
    result_seq: int | None = None
    """The number of the event that holds the output or the error."""
    loop: LoopState | None = None

    @property
    def key(self) -> RunKey:
        """The key within the execution."""
        return (self.node.id, self.iteration)

    def payload(self, execution: Execution) -> JsonValue:
        """What a taken edge out of this node carries."""
        if self.status is NodeStatus.COMPLETED:
            return self.output
        if self.handling == "error_output":
            return {"error": self.error, "input": execution.input_of(self)}
        return self.error


class Links(Protocol):
    """Makes the addresses at which waiting nodes are answered."""

    def url(self, execution_id: str, node_id: str, iteration: str) -> str:
        """The address of one node run; always the same, and not to be guessed."""


@dataclass(slots=True, eq=False)
class KeptSignal:
    """A signal that came before its node waited for it."""

    name: str
    data: JsonValue
    target: RunKey | None
    by: str | None
    at: int
    """When it came, in ms since the epoch."""


@dataclass(slots=True, eq=False)
class Execution:
    """One execution. Only `evolve` changes it."""

    id: str
    tenant_id: str
    graph: Graph
    status: ExecutionStatus = ExecutionStatus.QUEUED
    seq: int = 0
    """The number of the latest event."""
    trigger_node: str = ""
    trigger: JsonObject = field(default_factory=dict)
    input: JsonValue = None
    rerun_of: str | None = None
    output: JsonValue = None
    error: JsonObject | None = None
    failure: JsonObject | None = None
    """The error of a failed node while its execution drains."""
    response: JsonObject | None = None
    """What a response node sent: `{status, headers, body}`."""
    reason: str | None = None
    retried: bool = False
    """It was run again after its end: its nodes may have called workflows before."""
    failed_before: bool = False
    """The execution has ended in failure at least once (its error workflow was started)."""
    created_at: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    timeout_at: int | None = None
    """When the workflow's timeout passes; None while paused, or when there is none."""
    time_left: int | None = None
    """What remained of the timeout at the pause, in ms."""
    paused_at: int | None = None
    result_seq: int | None = None
    runs: dict[RunKey, NodeRun] = field(default_factory=dict)
    ready: deque[NodeRun] = field(default_factory=deque)
    """Pending runs whose join is decided, oldest first; one that is no longer pending is stale."""
    active: int = 0
    """Runs that a worker has or is about to get."""
    retrying: int = 0
    waiting: int = 0
    looping: int = 0
    """Loops that wait for their iterations."""
    ended: int = 0
    """Runs outside of loops that have ended."""
    scopes: dict[RunKey, Scope] = field(default_factory=dict)
    """The iterations that run."""
    ended_scopes: dict[RunKey, None] = field(default_factory=dict)
    """Iterations all of whose runs have ended, and that the loop has not been told of."""
    failed_scopes: dict[RunKey, RunKey] = field(default_factory=dict)
    """Iterations in which a run has failed that nothing handles, and that run."""
    signals: dict[int, KeptSignal] = field(default_factory=dict)
    """Signals that no node has taken yet, by the number of their event."""
    links: Links | None = None
    """Where its waiting nodes are answered; None where nobody can answer."""

    @property
    def unsettled(self) -> bool:
        """Whether there is something to start or to settle."""
        return bool(self.ready or self.ended_scopes or self.failed_scopes)

    @property
    def final(self) -> bool:
        """Whether the execution has ended."""
        return self.status in FINAL_EXECUTION

    @property
    def idle(self) -> bool:
        """Whether nothing runs: only a timer, a signal or a command can carry it on."""
        return self.active == 0

    def input_of(self, run: NodeRun) -> JsonValue:
        """The input of a run: the execution's, its one taken parent's output, or `{parent: output}` in edge order."""
        if not run.node.ins:
            return self.input
        sources = self.sources(run)
        if len(sources) == 1:
            return self._carried(sources[0], run)
        return {source: self._carried(source, run) for source in sources}

    def sources(self, run: NodeRun) -> list[str]:
        """The parents whose edges were taken, in edge order, each once; for `any` the first to arrive alone."""
        edges = self.graph.edges
        if len(run.taken) == 1:
            return [edges[run.taken[0]].source.id]
        indices = run.taken[:1] if run.node.join is Join.ANY else sorted(run.taken)
        return list(dict.fromkeys(edges[index].source.id for index in indices))

    def _carried(self, source: str, run: NodeRun) -> JsonValue:
        """What the edge from a parent brought: of the loop around the run, the item."""
        if run.node.loop is not None and run.node.loop.id == source:
            return self.scope_of(run).item
        return self.runs[source, run.iteration].payload(self)

    def scope_of(self, run: NodeRun) -> Scope:
        """The iteration that a run within a loop belongs to."""
        assert run.node.loop is not None  # noqa: S101 - asked of runs within loops only
        return self.scopes[run.node.loop.id, run.iteration]

    def output_of(self, scope: Scope) -> JsonValue:
        """The output of an iteration: of the body's last node, or `{node: output}` of several."""
        runs = (self.runs.get((node.id, scope.iteration)) for node in scope.owner.node.body)
        return self._exit_output([run for run in runs if run is not None and run.status is NodeStatus.COMPLETED])

    def run_of(self, node: Node, iteration: str) -> NodeRun:
        """The run of that key, made when it is first spoken of."""
        key = (node.id, iteration)
        run = self.runs.get(key)
        if run is None:
            run = self.runs[key] = NodeRun(node, iteration)
        return run

    def facts(self) -> JsonObject:
        """What expressions see as `execution`."""
        return {
            "id": self.id,
            "workflow_id": self.graph.workflow_id,
            "tenant_id": self.tenant_id,
            "version": self.graph.version,
            "rerun_of": self.rerun_of,
        }

    def final_output(self) -> JsonValue:
        """What the response node sent, else the output of the last node, or `{node: output}` of several exits.

        Exits are completed nodes without an outgoing edge; where there is none, completed nodes none of whose
        edges was taken (a path that a filter or a dead branch ended).
        """
        if self.response is not None:
            return self.response.get("body")
        return self._exit_output(
            [run for run in self.runs.values() if run.status is NodeStatus.COMPLETED and not run.iteration]
        )

    def _exit_output(self, done: list[NodeRun]) -> JsonValue:
        exits = [run for run in done if not run.node.out] or [run for run in done if not self._led_on(run)]
        exits.sort(key=lambda run: run.node.index)
        if len(exits) == 1:
            return exits[0].output
        return {run.node.id: run.output for run in exits} if exits else None

    def _led_on(self, run: NodeRun) -> bool:
        for edge in run.node.out:
            target = self.runs.get((edge.target.id, run.iteration))
            if target is not None and edge.index in target.taken:
                return True
        return False
