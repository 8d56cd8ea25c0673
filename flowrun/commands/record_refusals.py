"""A request was turned away before anything in it was believed; the log says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.delivery_log import LogEntry, Outcome, log
from flowrun.ports import Context, RouteMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusals(Command[None]):
    """Webhooks refused a request, each for a reason. Nothing of the request itself is kept: nobody vouches for it."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False
    tenant_id: str
    refusals: Sequence[tuple[RouteMatch, str]]
    received_at: int
    """Milliseconds since the epoch."""


async def handle(message: RecordRefusals, context: Context, _principal: Principal) -> None:
    """Gives nothing; the rows are committed when it returns."""
    entries = [
        LogEntry(match, Outcome.REFUSED, message.received_at, reason=reason) for match, reason in message.refusals
    ]
    await log(context, entries)
