"""A worker has ended an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import AttemptEnded
from flowrun.domain.node_type import Cancelled, Outcome
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult(Command[None]):
    """Record what an attempt gave; one that comes too late (an older `dispatch`) changes nothing."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    tenant_id: str
    execution_id: str
    key: RunKey
    dispatch: int
    outcome: Outcome | Cancelled
    started_at: int | None
    """Milliseconds since the epoch."""


async def handle(command: RecordResult, context: Context, _principal: Principal) -> None:
    """Raises `UnavailableError` when the result could not be committed: the caller holds it and tries again."""
    fact = AttemptEnded(command.key, command.dispatch, command.outcome, command.started_at)
    await context.engine.tell(command.tenant_id, command.execution_id, fact)
