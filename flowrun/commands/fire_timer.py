"""A timer has come due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import TimerFired, TimerKind
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTimer(Command[None]):
    """Let a timer take effect; it is removed in the same transaction."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    execution_id: str
    kind: TimerKind
    key: RunKey | None


async def handle(command: FireTimer, context: Context, _principal: Principal) -> None:
    """Gives nothing; the effect is committed when it returns."""
    if command.kind is TimerKind.ERROR_WORKFLOW:
        await context.engine.start_error_workflow(command.execution_id)
    else:
        await context.engine.tell(None, command.execution_id, TimerFired(command.kind, command.key))
