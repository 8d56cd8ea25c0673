"""What a worker hands to a node that it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Outcome

if TYPE_CHECKING:
    from flowrun.domain.turn import Job
    from flowrun.nodes.agent.memory import Conversations
    from flowrun.nodes.http_client import HttpClient


def unheard(_text: str) -> None:
    """Where nobody keeps a log."""


def _never() -> bool:
    return False


def in_place() -> AbstractContextManager[None]:
    """Where an attempt has no place to give away."""
    return nullcontext()


@dataclass(slots=True)
class NodeJob:
    """One attempt at one run of a worker node."""

    params: JsonObject
    """The params as `check` gave them."""
    input: JsonValue
    """The node's input; None when the type does not need it."""
    execution_id: str
    tenant_id: str
    workflow_id: str
    node_id: str
    iteration: str
    attempt: int
    """Counts from 1."""
    idempotency_key: str
    """The same for every attempt: `execution:node:iteration`."""
    deadline: float | None = None
    """Seconds since the epoch at which the engine gives the attempt up; None is never."""
    log: Callable[[str], None] = unheard
    """Logs a text, which people can read while the attempt runs. Called in the event loop; it costs no wait.

    The values of the params' secrets are taken out, a line ends at 4 KiB, and the log of an attempt at 64 KiB.
    """
    stopped: Callable[[], bool] = _never
    """Whether the engine has told the attempt to stop; cancelled without that, the attempt runs again later."""
    waiting: Callable[[], AbstractContextManager[None]] = in_place
    """While the block lasts, the attempt only waits for other work, which may need its place in the worker."""
    held_up: Callable[[], AbstractContextManager[None]] = in_place
    """While the block lasts, the attempt waits for its turn: its time begins anew afterwards."""
    hidden: tuple[str, ...] = ()
    """The values of the secrets in `params`."""

    @classmethod
    def of(cls, job: Job, params: JsonObject) -> Self:
        """One attempt at a decided job, with its params as the node may see them; nobody hears of it yet."""
        return cls(
            params=params,
            input=job.input,
            execution_id=job.execution_id,
            tenant_id=job.tenant_id,
            workflow_id=job.workflow_id,
            node_id=job.node_id,
            iteration=job.iteration,
            attempt=job.attempt,
            idempotency_key=job.idempotency_key,
        )


@dataclass(frozen=True, slots=True)
class WorkflowCall:
    """Another workflow of the tenant that a running node starts, and whose end it waits for."""

    job: NodeJob
    workflow_id: str
    input: JsonValue
    key: str
    """What tells the calls of one node run apart: the same key is the same call, whichever attempt makes it."""
    timeout: float
    """Seconds that its end is waited for."""


@dataclass(frozen=True, slots=True)
class WorkflowEnd:
    """What became of a called workflow."""

    execution_id: str
    status: str
    """A state of executions; one that is not final when the wait is over."""
    output: JsonValue = None
    error: JsonObject | None = None

    @property
    def completed(self) -> bool:
        """Whether it came to a good end."""
        return self.status == "completed"


class Workflows(Protocol):
    """The other workflows of a node's tenant."""

    async def call(self, call: WorkflowCall) -> WorkflowEnd:
        """Start a workflow once, however often it is called with this key, and wait for its end.

        Cancelled because the engine stops the attempt, it cancels the called execution; otherwise that goes on.
        Raises `FlowrunError` when the workflow cannot be started.
        """


class ChannelSender(Protocol):
    """The channels of a node's tenant."""

    async def send(self, job: NodeJob) -> Outcome:
        """Send `message` to `to` through `channel`, as the job's params name them; never raises for what was sent."""


@dataclass(slots=True)
class Services:
    """What worker nodes share."""

    http: HttpClient
    conversations: Conversations | None = None
    """None where nothing is stored."""
    workflows: Workflows | None = None
    """None where no other workflow can be started."""
    channels: ChannelSender | None = None
    """None where there are no channels."""
