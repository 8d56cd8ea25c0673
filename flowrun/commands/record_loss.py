"""An attempt has died with its worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import AttemptLost
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLoss(Command[None]):
    """Record that an attempt was under way when its worker died; it runs again unless that happens too often."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    tenant_id: str
    execution_id: str
    key: RunKey
    dispatch: int
    blameless: bool = False
    """The process was told to stop: no sign that the node kills it."""


async def handle(command: RecordLoss, context: Context, _principal: Principal) -> None:
    """Gives nothing; the loss and what follows from it are committed when it returns."""
    lost = AttemptLost(command.key, command.dispatch, command.blameless)
    await context.engine.tell(command.tenant_id, command.execution_id, lost)
