"""Creates an API key, whose secret is shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import Connection, insert, select

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import ForbiddenError, InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateKey(Command[JsonObject]):
    """Make a key for a tenant (None: an operator's); `{id, key, name, tenant_id, scopes, created_at, expires_at}`.

    `expires_at` is ms since the epoch. Only the hash of the secret is stored.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    secret_fields: ClassVar[frozenset[str]] = frozenset({"key"})
    tenant_id: str | None
    name: str
    scopes: tuple[Scope, ...] = (Scope.READ, Scope.RUN)
    expires_at: int | None = None

    def check(self) -> None:
        """Refuse a key that nobody could tell from others, or that could do nothing."""
        issues = []
        if not 1 <= len(self.name) <= 100:
            issues.append(Issue("name", "must have 1 to 100 characters"))
        if not self.scopes:
            issues.append(Issue("scopes", "must not be empty"))
        if issues:
            raise InvalidInputError("The key is not valid", issues)


async def handle(message: CreateKey, context: Context, principal: Principal) -> JsonObject:
    """Create it; raises `NotFoundError` for an unknown tenant, `ForbiddenError` for scopes the asker lacks."""
    excess = [scope.value for scope in message.scopes if not principal.may(scope)]
    if excess:
        raise ForbiddenError(f"This key can't grant what it lacks: {', '.join(excess)}")
    now = context.clock.now()
    if message.expires_at is not None and message.expires_at <= now:
        raise InvalidInputError("The key is not valid", [Issue("expires_at", "must be in the future")])
    key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
    scopes = sorted(set(message.scopes), key=list(Scope).index)
    values = {
        "id": key_id,
        "tenant_id": message.tenant_id,
        "name": message.name,
        "scopes": " ".join(scope.value for scope in scopes),
        "created_at": now,
        "expires_at": message.expires_at,
    }

    def change(connection: Connection) -> None:
        tenants = t.tenants
        known = message.tenant_id is None or connection.scalar(
            select(tenants.c.id).where(tenants.c.id == message.tenant_id)
        )
        if not known:
            raise NotFoundError(f"There is no tenant {message.tenant_id}")
        # 192 random bits need no slow hash: nobody tries them all.
        connection.execute(insert(t.api_keys).values(secret_hash=sha256(secret.encode()).digest(), **values))

    await context.writer.transact(change)
    return {
        "id": key_id,
        "key": f"fr_{key_id}_{secret}",
        "name": message.name,
        "tenant_id": message.tenant_id,
        "scopes": [scope.value for scope in scopes],
        "created_at": rfc3339(now),
        "expires_at": None if message.expires_at is None else rfc3339(message.expires_at),
    }
