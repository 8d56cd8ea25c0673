"""What the handlers need from the rest of flowrun, as protocols; `bootstrap` says which classes meet them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, RowMapping

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.execution import Execution, RunKey
from flowrun.domain.facts import Fact, Start
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import NodeTypes, Outcome
from flowrun.domain.states import ExecutionStatus
from flowrun.domain.turn import Job

R = TypeVar("R")


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> int:
        """Milliseconds since the epoch, UTC; may jump when the system's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some moment, for how long something takes: they pass evenly, whatever the clock is set to."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set or the time has passed, whichever is first."""


class JobQueue(Protocol):
    """What carries jobs to the workers."""

    def put(self, job: Job) -> None:
        """Let a worker run a job; the dispatcher sees to it that there is room."""

    def cancel(self, key: tuple[str, str, str]) -> Job | None:
        """Tell the worker that runs this node run to stop; gives the job back when no worker had begun it."""

    def lend(self, job: Job) -> None:
        """Let another job have the place of one that runs and only waits."""

    def take(self, job: Job) -> None:
        """Let a job that has lent its place have one again, even where all are taken."""


class Writer(Protocol):
    """The one way to change the database."""

    async def transact(self, change: Callable[[Connection], R]) -> R:
        """Run a synchronous function in a transaction of the writer, give its result after the commit.

        What it raises rolls its own changes back alone and is raised here. A caller that is cancelled meanwhile
        doesn't cancel the transaction. Raises `UnavailableError` when the database cannot commit.
        """


class Reader(Protocol):
    """Short reads over read-only connections."""

    async def all(self, query: Executable, params: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Every row of a SELECT."""

    async def first(self, query: Executable, params: Mapping[str, Any] | None = None) -> RowMapping | None:
        """The first row of a SELECT, if there is one."""


class Graphs(Protocol):
    """Workflow versions, compiled and cached."""

    async def get(self, tenant_id: str, workflow_id: str, version: int | None = None) -> Graph:
        """The graph of a version (None: the current one). Raises `NotFoundError`."""

    async def current(self, tenant_id: str, workflow_id: str) -> tuple[WorkflowDefinition, int]:
        """The current definition and its version. Raises `NotFoundError`."""

    def forget(self, tenant_id: str, workflow_id: str) -> None:
        """Look the current version up anew: the workflow has changed."""


@dataclass(slots=True)
class Ending:
    """What a waiting caller is told: the execution has ended, or has answered before its end."""

    execution_id: str
    status: ExecutionStatus
    output: JsonValue = None
    error: JsonObject | None = None
    response: JsonObject | None = None
    """`{status, headers, body}` when a response node answered."""


Insertions = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows to be inserted by the name of their table, columns in the table's order."""


class Engine(Protocol):
    """The one way to start executions and to change running ones."""

    async def start(
        self,
        graph: Graph,
        tenant_id: str,
        fact: Start,
        *,
        execution_id: str | None = None,
        also: Callable[[Connection], None] | None = None,
        rows: Insertions | None = None,
        notify: bool = False,
    ) -> str:
        """Create an execution and decide its first steps; gives its id once both are committed.

        `also` runs in the same transaction, and `rows` are written in it, many executions' at once. With `notify`
        the execution is being watched from before its first step on, so that `ending` misses nothing. Raises
        `LimitReachedError` where a limit of the tenant or the workflow says so.
        """

    async def tell(self, tenant_id: str | None, execution_id: str, fact: Fact) -> Execution:
        """Let a fact or command reach an execution; gives its state after the commit.

        `tenant_id` None is the engine's own business with an execution of whatever tenant.
        Raises `NotFoundError` and, for a command that the state doesn't allow, `ConflictError`.
        """

    async def look(self, execution_id: str) -> Execution:
        """The execution as it is stored, also an ended one. Raises `NotFoundError`."""

    async def read(self, execution_id: str, reading: Callable[[Execution], R]) -> R:
        """What `reading` finds in the execution as it is stored; where it is in memory, its history isn't read again.

        It must not keep anything that an execution changes. Raises `NotFoundError`.
        """

    def withdrawn(self, execution_ids: Iterable[str]) -> AbstractContextManager[list[str]]:
        """Those of them that nobody decides over; nobody can while the block lasts: they are about to be deleted."""

    async def ending(self, execution_id: str, *, response: bool, timeout: float) -> Ending | None:
        """Wait until the execution has ended (or, with `response`, answered); None after `timeout` seconds."""


@dataclass(frozen=True, slots=True)
class ChannelProof:
    """What a channel proves the sender of a webhook with."""

    channel_id: str | None
    """None: there is no such channel."""
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    verify_tokens: tuple[bytes, ...] = field(default=(), repr=False)
    """For the handshake by which a subscription is opened."""
    refusal: str | None = None
    """Why the channel takes nothing at present, for the delivery log."""


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """One webhook that a request matches."""

    webhook_id: str
    tenant_id: str
    workflow_id: str
    node_id: str
    config: JsonObject
    """The webhook node's params with their defaults."""
    path_params: dict[str, str]
    proof: ChannelProof | None = None
    """Of a webhook that names a channel; `config` has the channel's scheme and provider then."""


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """What one tenant may have at once; None is no limit."""

    running_executions: int | None = None
    running_nodes: int | None = None
    at_limit: str = "queue"
    """What becomes of one execution more: `queue`, `reject` or `cancel_oldest`."""


class Limits(Protocol):
    """The limits that are in force."""

    async def change(self, tenant_id: str, limits: TenantLimits) -> None:
        """Let a tenant's limits be these from now on. What runs beyond them goes on to its end."""

    async def workflow_changed(self, tenant_id: str, workflow_id: str) -> None:
        """A workflow was saved or deleted: let its limits be those of its current version."""


class Routes(Protocol):
    """The webhooks of published workflows, by path."""

    def match(self, tenant_id: str, method: str, path: str) -> Sequence[RouteMatch]:
        """Every webhook that listens there; the cost doesn't grow with the number of webhooks."""

    def methods(self, tenant_id: str, path: str) -> frozenset[str]:
        """The methods that some webhook takes on that path."""

    def replace(self, tenant_id: str, workflow_id: str, routes: Sequence[tuple[str, str, JsonObject]]) -> None:
        """Let a workflow's webhooks be these `(webhook id, node id, config)`, and no others."""


@dataclass(frozen=True, slots=True)
class EventMatch:
    """One event trigger that an event matches by its type."""

    tenant_id: str
    workflow_id: str
    node_id: str
    config: JsonObject
    """The event node's params with their defaults."""


class EventTriggers(Protocol):
    """The event triggers of published workflows, by type."""

    def match(self, tenant_id: str, event_type: str) -> Sequence[EventMatch]:
        """Every trigger that waits for the type; the cost grows with what is found, not with what there is."""

    def replace(self, tenant_id: str, workflow_id: str, triggers: Sequence[tuple[str, JsonObject]]) -> None:
        """Let a workflow's event triggers be these `(node id, config)`, and no others."""


class Tenants(Protocol):
    """Which tenants are disabled: nothing new is started for them."""

    def disabled(self, tenant_id: str) -> bool:
        """Whether it is; an unknown tenant is not."""

    def change(self, tenant_id: str, *, disabled: bool) -> None:
        """Let it be so from now on."""


class Listeners(Protocol):
    """Who waits to be shown the next request to a path, published or not."""

    def listening(
        self, tenant_id: str, path: str, methods: frozenset[str]
    ) -> AbstractContextManager[asyncio.Future[JsonObject]]:
        """A future of the next request, for as long as the block lasts; no methods are any. Raises `ConflictError`."""

    def waits(self, tenant_id: str, method: str, path: str) -> bool:
        """Whether somebody waits for such a request; `path` is percent-encoded as it was sent."""

    def show(self, tenant_id: str, method: str, path: str, request: JsonObject) -> None:
        """Let those who wait for such a request see it."""


class Secrets(Protocol):
    """The secrets of tenants, stored encrypted."""

    async def value(self, tenant_id: str, name: str) -> str:
        """The secret itself. Raises `NotFoundError`, and `UndecryptableError` when its key is not configured."""

    def sealed(self, tenant_id: str, name: str, value: str) -> tuple[str, bytes]:
        """A value as its row holds it: the id of the key, and the ciphertext."""

    def resealed(self, tenant_id: str, name: str, key_id: str, ciphertext: bytes) -> tuple[str, bytes]:
        """What a row holds, under the current key. Raises `UndecryptableError`."""

    @property
    def current_key(self) -> str:
        """The id of the key that encrypts."""

    def forget(self, tenant_id: str, name: str) -> None:
        """Read the secret anew: it has changed."""


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """A channel as it is stored, opened."""

    id: str
    tenant_id: str
    type: str
    name: str
    status: str
    """`active` or `disabled`."""
    status_reason: str | None
    credentials: JsonObject = field(repr=False)


class Channels(Protocol):
    """The channels of tenants, their credentials stored encrypted."""

    async def get(self, tenant_id: str, name: str) -> StoredChannel:
        """The channel. Raises `NotFoundError`, and `UndecryptableError` when its key is not configured."""

    def sealed(self, tenant_id: str, name: str, credentials: JsonObject) -> tuple[str, bytes]:
        """Credentials as their row holds them: the id of the key, and the ciphertext."""

    def resealed(self, tenant_id: str, name: str, key_id: str, ciphertext: bytes) -> tuple[str, bytes]:
        """What a row holds, under the current key. Raises `UndecryptableError`."""

    def forget(self, tenant_id: str, name: str) -> None:
        """Read the channel anew: it has changed."""


@dataclass(frozen=True, slots=True)
class InboundChannel:
    """How a channel lets messages in."""

    provider: str | None
    auth: JsonObject
    """As the `auth` of a webhook: `{type, …}` with the scheme and its params."""
    proof: ChannelProof


class InboundChannels(Protocol):
    """What channels say of the messages that come in."""

    async def inbound(self, tenant_id: str, name: str) -> InboundChannel:
        """How it is known who sends. Never raises: a channel that takes nothing has a refusal in its proof."""


class Links(Protocol):
    """The addresses at which waiting nodes are answered."""

    def url(self, execution_id: str, node_id: str, iteration: str) -> str:
        """The address of one node run."""

    def read(self, token: str) -> tuple[str, RunKey] | None:
        """The execution and the node run that the end of an address is for; None when it is none of ours."""


class StreamPosition(StrEnum):
    """Whether a stream can go on where its reader left."""

    RESUMED = "resumed"
    GONE = "gone"
    """Too much has changed since."""
    EPOCH = "epoch"
    """It was another process's."""
    UNREADABLE = "unreadable"


class FeedChange(Protocol):
    """Something that has changed."""

    @property
    def number(self) -> int:
        """Grows with each change."""

    @property
    def kind(self) -> str:
        """`execution`, or `changed` for a definition."""

    @property
    def tenant_id(self) -> str | None:
        """Whose it is; None: the operator's."""

    @property
    def workflow_id(self) -> str | None:
        """The workflow that has changed, or that the execution is of."""

    @property
    def status(self) -> str | None:
        """Of an execution."""

    @property
    def frame(self) -> bytes:
        """It as a server-sent event."""


class FeedReader(Protocol):
    """One who follows what changes."""

    @property
    def position(self) -> str:
        """The id of the latest change that was taken."""

    def resume(self, position: str) -> StreamPosition:
        """Go on after the change of that id; unless it is `RESUMED`, from now on."""

    def take(self, most: int) -> Sequence[FeedChange] | None:
        """What has changed since, oldest first, each thing once; None when some of it was lost: it goes on from now."""

    async def news(self) -> None:
        """Return when something more has changed, or the feed is closed."""


class Feed(Protocol):
    """What changes, as it changes."""

    @property
    def epoch(self) -> int:
        """The number of the process's start."""

    @property
    def closed(self) -> bool:
        """Whether every stream is to end."""

    def reading(self, principal: str) -> AbstractContextManager[FeedReader]:
        """A reader of everything from now on.

        Raises `TooManyRequestsError`, and `UnavailableError` once the feed is closed.
        """

    def watching(self, principal: str, execution_id: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set at each commit of the execution, and when the feed is closed. Raises as `reading`."""

    def changed(self, kind: str, tenant_id: str | None, name: str) -> None:
        """Tell of a definition that has changed: its kind, whose it is, its id."""

    def close(self) -> None:
        """Let every stream end."""


class Stats(Protocol):
    """Counts and rates, kept in memory."""

    def everything(self) -> JsonObject:
        """Of the service as a whole, and of each tenant."""

    def of(self, tenant_id: str) -> JsonObject:
        """Of a tenant, and of each of its workflows."""


class ChannelTrials(Protocol):
    """Messages that no execution sends: somebody tries a channel out."""

    async def send(self, tenant_id: str, name: str, to: str | None, message: JsonValue) -> Outcome:
        """Send one message for real; what became of it, without the channel's credentials."""


class Schedules(Protocol):
    """What lets schedules fire."""

    def changed(self) -> None:
        """Look at the stored schedules anew: some have changed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers are given."""

    clock: Clock
    writer: Writer
    reader: Reader
    graphs: Graphs
    engine: Engine
    routes: Routes
    schedules: Schedules
    limits: Limits
    types: NodeTypes
    secrets: Secrets
    channels: Channels
    inbound: InboundChannels
    trials: ChannelTrials
    events: EventTriggers
    tenants: Tenants
    listeners: Listeners
    feed: Feed
    stats: Stats
    links: Links
    new_id: Callable[[], str]
    """UUIDv7 as text."""
    health: Callable[[], Awaitable[JsonObject]]
    """Whether the service can do its work: `{"ready": bool, …}`."""
