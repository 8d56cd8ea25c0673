"""Deletes a channel of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteChannel(Command[JsonObject]):
    """Delete a channel; what is sent through it fails, and what comes in is refused. `{name, deleted}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str
    name: str


async def handle(message: DeleteChannel, context: Context, _principal: Principal) -> JsonObject:
    """Delete it; raises `NotFoundError`."""

    def change(connection: Connection) -> None:
        table = t.channels
        gone = delete(table).where(table.c.tenant_id == message.tenant_id, table.c.name == message.name)
        if connection.execute(gone).rowcount == 0:
            raise NotFoundError(f"The tenant {message.tenant_id} has no channel {message.name}")

    await context.writer.transact(change)
    context.channels.forget(message.tenant_id, message.name)
    return {"name": message.name, "deleted": True}
