"""Creates a tenant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, insert, select

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, InvalidInputError, Issue
from flowrun.persistence import tables as t
from flowrun.ports import Context

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTenant(Command[JsonObject]):
    """Make room for a new tenant; `{id, name, status, created_at}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    id: str
    name: str = ""

    def check(self) -> None:
        """Refuse an id that would not go into an address."""
        issues = []
        if not _SLUG.fullmatch(self.id):
            issues.append(Issue("id", "must be 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends"))
        if len(self.name) > 200:
            issues.append(Issue("name", "must have 200 characters or fewer"))
        if issues:
            raise InvalidInputError("The tenant is not valid", issues)


async def handle(message: CreateTenant, context: Context, _principal: Principal) -> JsonObject:
    """Create it; raises `ConflictError` when the id is taken."""
    now = context.clock.now()
    name = message.name or message.id
    table = t.tenants

    def change(connection: Connection) -> None:
        if connection.scalar(select(table.c.id).where(table.c.id == message.id)) is not None:
            raise ConflictError(f"There is a tenant {message.id} already")
        connection.execute(insert(table).values(id=message.id, name=name, status="active", created_at=now))

    await context.writer.transact(change)
    return {"id": message.id, "name": name, "status": "active", "created_at": rfc3339(now)}
