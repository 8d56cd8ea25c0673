"""Stores a channel of a tenant, its credentials encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import ClassVar

from sqlalchemy import Connection, insert, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.channels import CHANNEL_TYPES, ChannelType
from flowrun.commands.channel_addresses import refresh_addresses
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, InvalidInputError, Issue, NotFoundError
from flowrun.nodes.webhook_auth import CHANNEL_NAME, CHANNEL_NAME_RULE
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump
from flowrun.ports import Context

LONGEST = 65_536
"""Bytes that the credentials have as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChannel(Command[JsonObject]):
    """Set a channel, or give it other credentials; `{name, type, status, created, …}`, never the credentials.

    It is active then, also when it was disabled. It has no idempotency key: a hash of the credentials would be kept
    with it.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    replayable: ClassVar[bool] = False
    tenant_id: str
    name: str
    type: str
    credentials: JsonObject = field(repr=False)

    def check(self) -> None:
        """Refuse a name that no path can have, an unknown type, and credentials that its type can't use."""
        issues = list(self._issues())
        if issues:
            raise InvalidInputError("The channel is not valid", issues)

    def _issues(self) -> Iterator[Issue]:
        if not CHANNEL_NAME.fullmatch(self.name):
            yield Issue("name", f"must be {CHANNEL_NAME_RULE}")
        kind = CHANNEL_TYPES.get(self.type)
        if kind is None:
            close = get_close_matches(self.type.lower(), CHANNEL_TYPES, n=1)
            yield Issue("type", f"must be one of {', '.join(sorted(CHANNEL_TYPES))}", close[0] if close else None)
            return
        if len(dump(self.credentials)) > LONGEST:
            yield Issue("credentials", f"must have {LONGEST:,} bytes or fewer")
            return
        try:
            kind.check(self.credentials)
        except InvalidInputError as error:
            for issue in error.issues or [Issue("", str(error))]:
                path = f"credentials.{issue.path}" if issue.path else "credentials"
                yield Issue(path, issue.message, issue.suggestion)


async def handle(message: SetChannel, context: Context, _principal: Principal) -> JsonObject:
    """Set it; raises `NotFoundError` for an unknown tenant, `ConflictError` for a channel of another type."""
    tenant_id, name, now = message.tenant_id, message.name, context.clock.now()
    given = _given(CHANNEL_TYPES[message.type], message.credentials)
    key_id, ciphertext = context.channels.sealed(tenant_id, name, given)
    values = {"credentials": ciphertext, "key_id": key_id, "status": "active", "status_reason": None, "updated_at": now}

    def change(connection: Connection) -> int | None:
        tenants, table = t.tenants, t.channels
        if connection.scalar(select(tenants.c.id).where(tenants.c.id == tenant_id)) is None:
            raise NotFoundError(f"There is no tenant {tenant_id}")
        mine = (table.c.tenant_id == tenant_id, table.c.name == name)
        row = connection.execute(select(table.c.type, table.c.created_at).where(*mine)).first()
        if row is None:
            key = {"id": context.new_id(), "tenant_id": tenant_id, "name": name, "type": message.type}
            connection.execute(insert(table).values(**key, created_at=now, **values))
        elif row.type != message.type:
            raise ConflictError(f"The channel {name} is of the type {row.type}: delete it first, or take another name")
        else:
            connection.execute(update(table).where(*mine).values(**values))
        refresh_addresses(connection, tenant_id, [name])
        return None if row is None else int(row.created_at)

    created_at = await context.writer.transact(change)
    context.channels.forget(tenant_id, name)
    return {
        "name": name,
        "type": message.type,
        "status": "active",
        "created": created_at is None,
        "created_at": rfc3339(now if created_at is None else created_at),
        "updated_at": rfc3339(now),
    }


def _given(kind: ChannelType, credentials: JsonObject) -> JsonObject:
    """What was given, in the names that are documented; no defaults, which later versions may change."""
    checked, names = kind.check(credentials), kind.Credentials.names()
    given = {names[field] for field in kind.Credentials.model_validate(credentials).model_fields_set}
    return {name: value for name, value in checked.items() if name in given and value is not None}
