"""What a reader of the feed is sent: taken from the state at its commit, written out when the first one asks."""

from __future__ import annotations

from abc import ABC, abstractmethod

import orjson

from flowrun.coordinator.standing import Standing
from flowrun.domain.execution import Execution
from flowrun.domain.json import JsonObject
from flowrun.queries.documents import seconds, time


class Change(ABC):
    """Something that has changed, with its number."""

    __slots__ = ("_epoch", "_frame", "number", "tenant_id")

    kind = ""
    workflow_id: str | None = None
    status: str | None = None

    def __init__(self, epoch: int, number: int, tenant_id: str | None) -> None:
        self._epoch = epoch
        self._frame: bytes | None = None
        self.number = number
        self.tenant_id = tenant_id

    @property
    def frame(self) -> bytes:
        """The server-sent event; made once, for all who read it."""
        if self._frame is None:
            head = f"id: {self._epoch}-{self.number}\nevent: {self.kind}\ndata: "
            self._frame = b"".join((head.encode(), orjson.dumps(self.document()), b"\n\n"))
        return self._frame

    @abstractmethod
    def document(self) -> JsonObject:
        """What is sent."""


class ExecutionChange(Change):
    """An execution as it was after a commit: the execution itself goes on changing before the next one."""

    __slots__ = ("_dates", "_id", "_nodes", "_origin", "_version", "seq", "standing", "status", "workflow_id")

    kind = "execution"

    def __init__(self, epoch: int, number: int, execution: Execution, standing: Standing) -> None:
        super().__init__(epoch, number, execution.tenant_id)
        graph = execution.graph
        # Nothing that holds a payload: thousands of changes are kept.
        self._id = execution.id
        self._version = graph.version
        self.workflow_id = graph.workflow_id
        self.status = execution.status.value
        self.seq = execution.seq
        self.standing = standing
        """Belongs to the execution, not to this change: later commits move it on."""
        self._dates = (execution.created_at, execution.started_at, execution.finished_at)
        self._origin = (execution.trigger.get("type", "manual"), execution.rerun_of, execution.reason)
        self._nodes = (graph.top, execution.ended, standing.failed, standing.running(), standing.failed_at)

    def document(self) -> JsonObject:
        """As in a list, with the number of its latest event and where its nodes stand."""
        created_at, started_at, finished_at = self._dates
        trigger_type, rerun_of, reason = self._origin
        total, done, failed, running, failed_at = self._nodes
        return {
            "id": self._id,
            "workflow_id": self.workflow_id,
            "tenant_id": self.tenant_id,
            "version": self._version,
            "status": self.status,
            "trigger_type": trigger_type,
            "rerun_of": rerun_of,
            "reason": reason,
            "created_at": time(created_at),
            "started_at": time(started_at),
            "finished_at": time(finished_at),
            "duration": seconds(created_at, finished_at),
            "seq": self.seq,
            "nodes": {
                "total": total,
                "done": done,
                "failed": failed,
                "running": list(running),
                "failed_at": failed_at,
            },
        }


class DefinitionChange(Change):
    """Something that was defined has changed, was made or is gone."""

    __slots__ = ("_kind", "_name", "workflow_id")

    kind = "changed"

    def __init__(self, epoch: int, number: int, kind: str, tenant_id: str | None, name: str) -> None:
        super().__init__(epoch, number, tenant_id)
        self._kind = kind
        self._name = name
        self.workflow_id = name if kind == "workflow" else None

    def document(self) -> JsonObject:
        """What has changed."""
        return {"kind": self._kind, "tenant_id": self.tenant_id, "id": self._name}
