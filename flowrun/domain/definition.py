"""What a user defines: workflows, nodes and edges, as plain data in one shape whatever the input looked like."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from flowrun.domain.json import JsonObject

MAIN_PORT = "main"
ERROR_PORT = "error"


class WorkflowStatus(StrEnum):
    """Only published workflows are started by triggers."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Join(StrEnum):
    """When a node with several incoming edges runs."""

    ALL = "all"
    ALL_REQUIRED = "all_required"
    ANY = "any"


class OnError(StrEnum):
    """What a node's final failure does to its execution."""

    FAIL = "fail"
    DRAIN = "drain"
    CONTINUE = "continue"
    ERROR_OUTPUT = "error_output"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how far apart a failed attempt is repeated. Intervals are seconds."""

    max_attempts: int = 3
    initial_interval: float = 1.0
    backoff: float = 2.0
    """The factor between two intervals; 1.0 is a fixed interval."""
    max_interval: float = 100.0
    jitter: bool = True
    """Full jitter: the wait is drawn evenly between nothing and the interval."""
    non_retryable: tuple[str, ...] = ()
    """Error types that are final at once."""


@dataclass(frozen=True, slots=True)
class NodeDefinition:
    """One node as the user wrote it."""

    id: str
    type: str
    name: str = ""
    params: JsonObject = field(default_factory=dict)
    join: Join = Join.ALL
    on_error: OnError | None = None
    """None: `error_output` when an error edge leaves the node, else `fail`."""
    retry: RetryPolicy | None = None
    """None: the default of the node type."""
    timeout: float | None = None
    """Seconds for one attempt; None: the default of the node type."""
    retry_on_interrupt: bool = True
    """False: an attempt that died with its worker fails as `worker_lost` instead of running again."""
    disabled: bool = False
    position: JsonObject | None = None
    """Kept for the editor, never read by the engine."""
    path: str = field(default="", compare=False)
    """Where the node stood in the document, for error messages: `nodes[2]`."""
    params_path: str = field(default="", compare=False)
    """Where its params stood: `nodes[2].params`, `nodes[2].config`, `workflow.nodes.fetch.data`."""


@dataclass(frozen=True, slots=True)
class EdgeDefinition:
    """One edge as the user wrote it."""

    id: str
    source: str
    target: str
    source_handle: str | None = None
    """The output port; None is `main`. An edge of type `failure` has the port `error`."""
    condition: str | None = None
    path: str = field(default="", compare=False)
    """Where the edge stood in the document: `edges[2]`."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How much of one workflow runs at once, and what becomes of one execution more."""

    limit: int | None
    """Executions; None is no limit."""
    at_limit: str = "queue"
    """`queue`, `reject` or `cancel_oldest`."""
    key: str | None = None
    """An expression over `trigger`; the limit then holds for each of its values."""
    nodes: int | None = None
    """Node runs, over all executions; None is no limit."""


@dataclass(frozen=True, slots=True)
class WorkflowDefinition:
    """A whole workflow. `id` is a slug, unique within its tenant."""

    id: str
    name: str
    nodes: tuple[NodeDefinition, ...]
    edges: tuple[EdgeDefinition, ...]
    description: str = ""
    status: WorkflowStatus = WorkflowStatus.PUBLISHED
    tags: tuple[str, ...] = ()
    on_error: str | None = None
    """The workflow to start when this one fails."""
    timeout: float | None = None
    """Seconds for a whole execution; None is no limit."""
    concurrency: Concurrency | None = None
    variables: JsonObject = field(default_factory=dict)
