"""Disables a channel, or lets it work again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import Connection, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context

_LONGEST_REASON = 500


class ChannelStatus(StrEnum):
    """Whether a channel lets messages through."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChannelStatus(Command[JsonObject]):
    """Let a channel have this status; `{name, status, status_reason, changed}`.

    Nothing is sent through a disabled channel, and nothing that comes in is believed.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str
    name: str
    status: ChannelStatus
    reason: str | None = None
    """Why it is disabled, for people; 500 characters of it are kept."""


async def handle(message: SetChannelStatus, context: Context, _principal: Principal) -> JsonObject:
    """Set it; raises `NotFoundError`."""
    # What a provider said may be long, and must not keep a channel from being disabled.
    is_disabled = message.status is ChannelStatus.DISABLED
    reason = message.reason[:_LONGEST_REASON] if is_disabled and message.reason else None

    def change(connection: Connection) -> bool:
        table = t.channels
        mine = (table.c.tenant_id == message.tenant_id, table.c.name == message.name)
        row = connection.execute(select(table.c.status, table.c.status_reason).where(*mine)).first()
        if row is None:
            raise NotFoundError(f"The tenant {message.tenant_id} has no channel {message.name}")
        if (row.status, row.status_reason) == (message.status.value, reason):
            return False
        values = {"status": message.status.value, "status_reason": reason, "updated_at": context.clock.now()}
        connection.execute(update(table).where(*mine).values(**values))
        return True

    changed = await context.writer.transact(change)
    context.channels.forget(message.tenant_id, message.name)
    return {"name": message.name, "status": message.status.value, "status_reason": reason, "changed": changed}
