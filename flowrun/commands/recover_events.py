"""Ends the deliveries of events that an earlier process broke off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.event_delivery import deliver, pending
from flowrun.errors import FlowrunError
from flowrun.ports import Context

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverEvents(Command[None]):
    """Deliver what was stored and not delivered to the end. Emitted events have timers that see to them."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False


async def handle(_message: RecoverEvents, context: Context, _principal: Principal) -> None:
    """One event that cannot be delivered doesn't keep the others back."""
    for event in await pending(context):
        try:
            await deliver(context, event)
        except FlowrunError as error:
            _log.error("The event %s cannot be delivered: %s", event.id, error)
