"""A timer has come due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.commands import answer_caller, deliver_emitted, start_error_workflow, steer_called
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import TimerFired, TimerKind
from flowrun.ports import Context

_FOLLOWS: Mapping[TimerKind, Callable[[Context, str, RunKey | None], Awaitable[None]]] = {
    TimerKind.ERROR_WORKFLOW: start_error_workflow.follow,
    TimerKind.EVENT: deliver_emitted.follow,
    TimerKind.CALL: steer_called.follow,
    TimerKind.ANSWER: answer_caller.follow,
}
"""What follows from an execution outside it. The timer's row, written with the decision, is removed with the effect."""


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
    follow = _FOLLOWS.get(command.kind)
    if follow is not None:
        await follow(context, command.execution_id, command.key)
    else:
        await context.engine.tell(None, command.execution_id, TimerFired(command.kind, command.key))
