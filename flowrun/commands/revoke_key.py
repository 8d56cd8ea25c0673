"""Revokes an API key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey(Command[JsonObject]):
    """Let a key of a tenant (None: an operator's) open nothing any more; `{id, revoked_at}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str | None
    key_id: str


async def handle(message: RevokeKey, context: Context, _principal: Principal) -> JsonObject:
    """Revoke it; a second time changes nothing. Raises `NotFoundError`."""
    now = context.clock.now()

    def change(connection: Connection) -> int:
        table = t.api_keys
        found = (table.c.id == message.key_id, table.c.tenant_id.is_not_distinct_from(message.tenant_id))
        row = connection.execute(select(table.c.revoked_at).where(*found)).first()
        if row is None:
            raise NotFoundError(f"There is no key {message.key_id}")
        if row.revoked_at is not None:
            return int(row.revoked_at)
        connection.execute(update(table).where(*found).values(revoked_at=now))
        return now

    return {"id": message.key_id, "revoked_at": rfc3339(await context.writer.transact(change))}
