"""Keeps the credentials that a channel has got itself from its provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sqlalchemy import Connection, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewChannel(Command[None]):
    """Put new credentials in the place of those that a channel used until now; its status stays."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    tenant_id: str
    name: str
    channel_id: str
    """Not of a channel of the same name that was made since."""
    before: JsonObject = field(repr=False)
    """The credentials that the new ones were got with: what a person has set since is not overwritten."""
    credentials: JsonObject = field(repr=False)


async def handle(message: RenewChannel, context: Context, _principal: Principal) -> None:
    """Raises `ConflictError` when the channel was set anew, and `NotFoundError` when there is none."""
    present = await context.channels.get(message.tenant_id, message.name)
    if present.id != message.channel_id or present.credentials != message.before:
        raise ConflictError(f"The channel {message.name} was set anew meanwhile")
    key_id, ciphertext = context.channels.sealed(message.tenant_id, message.name, message.credentials)

    def change(connection: Connection) -> None:
        table = t.channels
        values = {"credentials": ciphertext, "key_id": key_id, "updated_at": context.clock.now()}
        connection.execute(update(table).where(table.c.id == message.channel_id).values(**values))

    await context.writer.transact(change)
    context.channels.forget(message.tenant_id, message.name)
