"""What the engine asks of a node type, and what a node may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from flowrun.domain.definition import MAIN_PORT, NodeDefinition, RetryPolicy
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import Issue

EACH_PORT = "each"
DONE_PORT = "done"
TIMEOUT_PORT = "timeout"
APPROVED_PORT, REJECTED_PORT = "approved", "rejected"


class NodeKind(StrEnum):
    """Who runs a node."""

    TRIGGER = "trigger"
    """Nobody: it stands for what started the execution."""
    ENGINE = "engine"
    """The coordinator itself, within the decision."""
    WORKER = "worker"
    """A worker, as a job."""
    LOOP = "loop"
    """The coordinator itself: it runs what its `each` port leads to, again and again."""


@dataclass(slots=True)
class Completed:
    """The node is done. An edge is taken when its port is in `ports` and its condition holds."""

    output: JsonValue
    ports: tuple[str, ...] = (MAIN_PORT,)


@dataclass(slots=True)
class Emitted(Completed):
    """The node is done, and an event leaves it; `output` is the event's data."""

    event_type: str = ""
    subject: str | None = None


@dataclass(slots=True)
class Called:
    """Another workflow is to be started; the node is done when that has ended, or, without `wait`, has begun."""

    workflow_id: str
    input: JsonValue
    wait: bool


@dataclass(slots=True)
class Waiting:
    """The node is done at `until` (ms since the epoch), with `output`."""

    until: int
    output: JsonValue = None


@dataclass(slots=True)
class Awaiting:
    """The node is done when its signal comes, or at `until` (ms since the epoch; None: it waits for ever)."""

    until: int | None
    form: JsonObject | None = None
    """What a person is asked: `{title, text, submit, approval, fields: [{name, label, type, required, …}]}`."""


@dataclass(slots=True)
class Failed:
    """The attempt failed."""

    type: str
    message: str
    retryable: bool = False
    details: JsonValue = None
    retry_after: float | None = None
    """Seconds that the other side asked us to wait (`Retry-After`)."""
    source: str = "node"
    """`node`, `timeout`, `worker_lost` or `engine`."""
    schedule: tuple[float, ...] | None = None
    """Seconds to wait after each attempt, which is also how many more there are; a node with a `retry` of its own
    keeps to that instead."""


@dataclass(slots=True)
class Cancelled:
    """The worker stopped the attempt because it was told to."""


@dataclass(slots=True)
class Respond:
    """The node is done, and the waiting caller is to be given this answer."""

    output: JsonValue
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: JsonValue = None


@dataclass(slots=True)
class LoopPlan:
    """What a loop is to do, as far as it is known."""

    items: list[JsonValue] | None
    """What to run the body for; None when a condition decides."""
    concurrency: int = 1
    collect_errors: bool = False
    """A failed item's error takes its output's place; False: it fails the loop."""
    goes_on: bool = True
    """Without items: what the condition says now."""
    most: int = 0
    """Without items: how many iterations at most."""


Outcome = Completed | Called | Waiting | Awaiting | Failed | Respond
"""What a run of a node may answer."""


@dataclass(slots=True)
class NodeContext:
    """What a node that the engine runs itself may look at."""

    params: JsonObject
    """The params, expressions resolved and checked against the type's schema."""
    input: JsonValue
    sources: tuple[str, ...]
    """The ids of the parents whose edges were taken, in edge order."""
    now: int
    """Milliseconds since the epoch."""


class NodeType(Protocol):
    """A node type as the engine sees it; one instance serves every node of the type."""

    @property
    def name(self) -> str:
        """The name that definitions use."""

    @property
    def kind(self) -> NodeKind:
        """Who runs it."""

    @property
    def worker(self) -> str:
        """The worker that runs it (`webhook`, `agent`, `response`, `scheduler`); empty when none does."""

    @property
    def needs_input(self) -> bool:
        """Whether a worker gets the node's input beside its params."""

    @property
    def default_timeout(self) -> float:
        """Seconds for one attempt."""

    @property
    def default_retry(self) -> RetryPolicy:
        """The policy of a node that names none."""

    @property
    def awaits_signal(self) -> bool:
        """Whether its nodes wait for a signal, named by their param `name`, else by their id."""

    @property
    def calls_workflows(self) -> bool:
        """Whether its runs, while a worker has them, call workflows, which are to stop with a run that is cancelled."""

    @property
    def expression_params(self) -> frozenset[str]:
        """Params whose strings are expressions even without braces: `condition`, `conditions[].expression`."""

    @property
    def deferred_params(self) -> frozenset[str]:
        """Top-level params that are not resolved before the run."""

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Everything wrong with the params, each path relative to them (`url`, `conditions[1].id`)."""

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """The output ports that edges may name, beside `error`, given the params as written."""

    def check(self, params: JsonObject) -> JsonObject:
        """The resolved params with defaults filled in.

        Raises `InvalidInputError` when an expression gave something that does not fit.
        """

    @property
    def repeats(self) -> bool:
        """Whether a loop looks at its params again before each iteration, with `index` and the latest `input`."""

    def plan(self, params: JsonObject) -> LoopPlan:
        """What a node of kind `LOOP` is to do; asked again before each iteration of a loop without items."""

    def finish(self, output: JsonValue) -> Outcome:
        """What a node of kind `LOOP` answers at its end, given the outputs of its iterations, or the last one's."""

    def pass_on(self, value: JsonValue, sources: int) -> Outcome:
        """What a disabled node answers: its input, which comes from so many parents."""

    def run_in_engine(self, context: NodeContext) -> Outcome:
        """Run a node of kind `ENGINE`: pure, quick, no input or output."""


class NodeTypes(Protocol):
    """All node types there are."""

    def get(self, name: str) -> NodeType | None:
        """The type of that name, or None."""

    def names(self) -> Sequence[str]:
        """Every name, sorted."""
