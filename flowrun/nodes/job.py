"""What a worker hands to a node that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowrun.domain.json import JsonObject, JsonValue

if TYPE_CHECKING:
    from flowrun.nodes.agent.memory import Conversations
    from flowrun.nodes.http_client import HttpClient


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


@dataclass(slots=True)
class Services:
    """What worker nodes share."""

    http: HttpClient
    conversations: Conversations | None = None
    """None where nothing is stored."""
