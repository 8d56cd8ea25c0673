"""What a case says of a node type: a workflow around a node `n`, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from support.manual_clock import ManualClock
from support.runtime import Bench


class Check(StrEnum):
    """What every node type goes through, unless its case says why not."""

    SUCCESS = "success"
    FAILURE = "failure"
    RETRY = "retry"
    TIMEOUT = "timeout"
    CANCEL = "cancel"
    REDELIVERY = "redelivery"


class Play(StrEnum):
    """What the other side of a worker node does."""

    GOOD = "good"
    BAD = "bad"
    """It refuses for good."""
    FLAKY = "flaky"
    """The first attempt fails, and may be repeated; the second succeeds."""
    HANGS = "hangs"
    """The first attempt never ends by itself; from the second on all is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A workflow around the node `n`. `graph` and `others` are in the notation of `support.graphs`."""

    params: Mapping[str, Any] = field(default_factory=dict)
    input: Any = None
    graph: str = "t -> n -> z"
    others: str = ""

    def text(self, node_type: str, *more: str) -> str:
        """The workflow."""
        node = f"n: {node_type} {json.dumps(dict(self.params))}"
        return "; ".join(part for part in (self.graph, node, "z: noop", self.others, *more) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """What a scene comes to: the output of `n`, and which of the other nodes are skipped."""

    scene: Scene
    output: Any
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The error of `n` in a scene."""

    scene: Scene
    error: str


async def an_hour(_bench: Bench, _execution_id: str, clock: ManualClock) -> None:
    """What most nodes that wait are waiting for, here."""
    clock.advance(3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A scene in which `n` waits for an hour, or for what `wake` does."""

    scene: Scene
    output: Any
    status: str = "waiting"
    """The node's, meanwhile."""
    wake: Callable[[Bench, str, ManualClock], Awaitable[None]] = an_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCase:
    """A type that the engine runs itself. `called` are workflows that the scenes call, by id."""

    type: str
    succeeds: tuple[Success, ...] = ()
    fails: Failure | None = None
    waits: Wait | None = None
    called: Mapping[str, str] = field(default_factory=dict)
    exempt: Mapping[Check, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerCase:
    """A type that starts executions; `n` is the trigger of the workflow `w`."""

    type: str
    params: Mapping[str, Any]
    fire: Callable[[Bench, ManualClock], Awaitable[Any]]
    """The fact from outside; done twice, it is the same fact twice."""
    output: Any
    refuse: Callable[[Bench, ManualClock], Awaitable[None]] | None = None
    """A fact from which nothing can be made, and what the sender is told of it."""
    faulty: Mapping[str, Any] = field(default_factory=dict)
    """The params that `refuse` meets."""
    exempt: Mapping[Check, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Stage:
    """The other side of a worker node, as it plays."""

    params: Mapping[str, Any]
    input: Any = None
    begun: Callable[[Bench], Awaitable[None]] | None = None
    """Returns when the other side has the work of the attempt that hangs."""
    told: Callable[[], Awaitable[None]] | None = None
    """Returns when the other side has seen that the attempt was given up; None: it can't see that."""
    keys: Callable[[], list[str]] | None = None
    """The idempotency keys that arrived, one for each attempt; None: the type sends none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Bench], Awaitable[None]] | None = None
    """Done when the workflow is saved, before it starts."""
    recover: Callable[[], None] = lambda: None
    """Done when the first attempt of `Play.FLAKY` has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCase:
    """A type that a worker runs, against a real other side."""

    type: str
    stage: Callable[[Play], AbstractAsyncContextManager[Stage]]
    output: Callable[[Any], bool]
    """Whether an output is that of a success."""
    error: str = ""
    """The type of the error of `Play.BAD`."""
    exempt: Mapping[Check, str] = field(default_factory=dict)


Case = EngineCase | TriggerCase | WorkerCase
Stages = AsyncIterator[Stage]
