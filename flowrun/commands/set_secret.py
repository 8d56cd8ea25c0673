"""Stores a secret of a tenant, encrypted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from sqlalchemy import Connection, insert, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context

SHORTEST = 4
"""Characters: what is shorter could not be told from other text when answers are scrubbed."""
LONGEST = 65_536
"""Bytes."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSecret(Command[JsonObject]):
    """Set or replace a secret; `{name, created, created_at, updated_at}`, never the value.

    It has no idempotency key: a hash of the value would be kept with it.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    replayable: ClassVar[bool] = False
    tenant_id: str
    name: str
    value: str = field(repr=False)

    def check(self) -> None:
        """Refuse a name that no expression could speak of, and a value that could not be hidden or used."""
        issues = []
        if not _NAME.fullmatch(self.name):
            issues.append(Issue("name", "must be a letter and then letters, digits and _, 100 at most"))
        if len(self.value.strip()) < SHORTEST:
            issues.append(Issue("value", f"must have {SHORTEST} characters or more, white space at its ends apart"))
        if len(self.value) > LONGEST or len(self.value.encode(errors="replace")) > LONGEST:
            issues.append(Issue("value", f"must have {LONGEST:,} bytes or fewer"))
        if "\x00" in self.value or any("\ud800" <= char <= "\udfff" for char in self.value):
            issues.append(Issue("value", "must be text: it has a character that no database takes"))
        if issues:
            raise InvalidInputError("The secret is not valid", issues)


async def handle(message: SetSecret, context: Context, _principal: Principal) -> JsonObject:
    """Set it; raises `NotFoundError` for an unknown tenant."""
    now = context.clock.now()
    key_id, ciphertext = context.secrets.sealed(message.tenant_id, message.name, message.value)

    def change(connection: Connection) -> int | None:
        tenants, table = t.tenants, t.secrets
        if connection.scalar(select(tenants.c.id).where(tenants.c.id == message.tenant_id)) is None:
            raise NotFoundError(f"There is no tenant {message.tenant_id}")
        key = (table.c.tenant_id == message.tenant_id, table.c.name == message.name)
        created_at: int | None = connection.scalar(select(table.c.created_at).where(*key))
        values = {"key_id": key_id, "ciphertext": ciphertext, "updated_at": now}
        if created_at is None:
            row = {"tenant_id": message.tenant_id, "name": message.name, "created_at": now, **values}
            connection.execute(insert(table).values(row))
        else:
            connection.execute(update(table).where(*key).values(values))
        return created_at

    created_at = await context.writer.transact(change)
    context.secrets.forget(message.tenant_id, message.name)
    return {
        "name": message.name,
        "created": created_at is None,
        "created_at": rfc3339(now if created_at is None else created_at),
        "updated_at": rfc3339(now),
    }
