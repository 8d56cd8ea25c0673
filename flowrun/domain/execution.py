"""The state of one execution: its node runs, what is ready to run, and how they are counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from flowrun.domain.definition import Join
from flowrun.domain.graph import Graph, Node
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus, NodeStatus

RunKey = tuple[str, str]
"""A node run within its execution: node id and iteration (empty outside loops)."""


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
    result_seq: int | None = None
    """The number of the event that holds the output or the error."""

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
    failed_before: bool = False
    """The execution has ended in failure at least once (its error workflow was started)."""
    created_at: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    timeout_at: int | None = None
    """When the workflow's timeout passes; None while paused, or when there is none."""
    time_left: int | None = None
    """What remained of the timeout at the pause, in ms."""
    result_seq: int | None = None
    runs: dict[RunKey, NodeRun] = field(default_factory=dict)
    ready: deque[NodeRun] = field(default_factory=deque)
    """Pending runs whose join is decided, oldest first; one that is no longer pending is stale."""
    active: int = 0
    """Runs that a worker has or is about to get."""
    retrying: int = 0
    waiting: int = 0
    ended: int = 0

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
        parents = self.parents(run)
        if len(parents) == 1:
            return parents[0].payload(self)
        return {parent.node.id: parent.payload(self) for parent in parents}

    def parents(self, run: NodeRun) -> list[NodeRun]:
        """The parents whose edges were taken, in edge order, each once; for `any` the first to arrive alone."""
        edges = self.graph.edges
        if len(run.taken) == 1:
            return [self.runs[edges[run.taken[0]].source.id, run.iteration]]
        indices = run.taken[:1] if run.node.join is Join.ANY else sorted(run.taken)
        sources = dict.fromkeys(edges[index].source.id for index in indices)
        return [self.runs[source, run.iteration] for source in sources]

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
        done = [run for run in self.runs.values() if run.status is NodeStatus.COMPLETED and not run.iteration]
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
