"""The states of an execution and of a node run."""

from __future__ import annotations

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """Where an execution stands; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class NodeStatus(StrEnum):
    """Where one run of a node stands; the last five are final."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class Awaited(StrEnum):
    """What a waiting node run waits for."""

    TIME = "time"
    CALL = "call"
    """The end of an execution that it has called."""
    SIGNAL = "signal"
    """The answer of someone outside."""


FINAL_EXECUTION = frozenset(
    {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED, ExecutionStatus.TIMED_OUT}
)
ACTIVE_NODE = frozenset({NodeStatus.QUEUED, NodeStatus.RUNNING})
"""A worker has, or is about to get, the node."""
