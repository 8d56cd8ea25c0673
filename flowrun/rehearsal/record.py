"""What each node did, read from the history of an execution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flowrun.domain.events import Event, NodeEvent, NodeSkipped
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import NodeStatus
from flowrun.formats.cases import run_label


@dataclass(slots=True)
class NodeRecord:
    """One run of one node. Times are ms since the execution began."""

    node: str
    type: str
    iteration: str = ""
    status: str = NodeStatus.PENDING.value
    began: int | None = None
    attempts: int = 0
    input: JsonValue = None
    params: JsonObject | None = None
    """What a worker or a called workflow was given; None for any other node."""
    output: JsonValue = None
    error: JsonObject | None = None
    skip_reason: str | None = None

    @property
    def label(self) -> str:
        """As people name it: `fetch`, or `fetch[2]` in a loop."""
        return run_label(self.node, self.iteration)

    @property
    def ran(self) -> bool:
        """Whether the node did anything."""
        return self.status not in {NodeStatus.SKIPPED, NodeStatus.PENDING}

    @property
    def document(self) -> JsonObject:
        """What can be expected of it."""
        return {
            "status": self.status,
            "input": self.input,
            "params": self.params,
            "output": self.output,
            "error": self.error,
            "attempts": self.attempts,
            "skip_reason": self.skip_reason,
        }


def recorded(
    graph: Graph, history: Iterable[tuple[int, Event]], params: Mapping[RunKey, JsonObject]
) -> list[NodeRecord]:
    """The node runs in the order in which they began.

    The history is gone through anew, since the runs of a loop's body leave the execution's state with their iteration.
    """
    execution, found = Execution("", "", graph), dict[RunKey, NodeRecord]()
    for at, event in history:
        run = evolve(execution, event, at)
        if run is None or not isinstance(event, NodeEvent):
            continue
        record = found.get(run.key)
        if record is None:
            record = found[run.key] = NodeRecord(run.node.id, run.node.type.name, run.iteration)
            record.began = at - execution.created_at
            record.input = None if isinstance(event, NodeSkipped) else execution.input_of(run)
            record.params = params.get(run.key)
        _update(record, run)
    return list(found.values())


def _update(record: NodeRecord, run: NodeRun) -> None:
    record.status, record.attempts, record.error = run.status.value, run.attempt, run.error
    record.output = run.output if run.status is NodeStatus.COMPLETED else None
    record.skip_reason = run.skip_reason
