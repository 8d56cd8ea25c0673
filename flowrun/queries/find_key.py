"""Finds who an API key belongs to."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key; `expires_at` is ms since the epoch."""

    id: str
    tenant_id: str | None
    scopes: frozenset[Scope]
    secret_hash: bytes
    expires_at: int | None

    def opens_with(self, secret: str, now: int) -> bool:
        """Whether this is the key's secret, and the key has not expired. Takes the same time for any wrong one."""
        matches = hmac.compare_digest(sha256(secret.encode()).digest(), self.secret_hash)
        return matches and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindKey(Query[KeyRecord | None]):
    """The key of that id; None when there is none, or it was revoked. For the API's door alone."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    key_id: str


async def handle(query: FindKey, context: Context, _principal: Principal) -> KeyRecord | None:
    """Never raises for a key that isn't there."""
    table = t.api_keys
    row = await context.reader.first(select(table).where(table.c.id == query.key_id, table.c.revoked_at.is_(None)))
    if row is None:
        return None
    return KeyRecord(
        id=row["id"],
        tenant_id=row["tenant_id"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"].split()),
        secret_hash=row["secret_hash"],
        expires_at=row["expires_at"],
    )
