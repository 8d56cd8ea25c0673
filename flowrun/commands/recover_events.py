"""Ends the deliveries of events that an earlier process broke off."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.event_delivery import deliver, pending
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.ports import Context

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverEvents(Command[None]):
    """Deliver what was stored and not delivered to the end. Emitted events have timers that see to them."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False


async def handle(_message: RecoverEvents, context: Context, _principal: Principal) -> None:
    """One event that cannot be delivered doesn't keep the others back; while nothing can be committed all wait."""
    for event in await pending(context):
        while True:
            try:
                await deliver(context, event)
            except UnavailableError as error:
                _log.warning("The event %s is delivered later: %s", event.id, error)
                await context.clock.wait(asyncio.Event(), _AGAIN_SECONDS)
                continue
            except FlowrunError as error:
                _log.error("The event %s cannot be delivered: %s", event.id, error)
            break
