"""A worker has begun an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import AttemptStarted
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStart(Command[None]):
    """Record that an attempt runs: before a careful one begins, and for any that lasts."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    tenant_id: str
    execution_id: str
    key: RunKey
    dispatch: int
    started_at: int
    """Milliseconds since the epoch."""


async def handle(command: RecordStart, context: Context, _principal: Principal) -> None:
    """Gives nothing; the start is committed when it returns."""
    fact = AttemptStarted(command.key, command.dispatch, command.started_at)
    await context.engine.tell(command.tenant_id, command.execution_id, fact)
