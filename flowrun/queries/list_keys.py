"""The API keys of a tenant, without their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import require_tenant, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys(Query[JsonObject]):
    """Every key of a tenant (None: the operators'); `{items}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str | None


async def handle(query: ListKeys, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    table = t.api_keys
    mine = table.c.tenant_id.is_not_distinct_from(query.tenant_id)
    rows = await context.reader.all(select(table).where(mine).order_by(table.c.created_at, table.c.id))
    if not rows and query.tenant_id is not None:
        await require_tenant(context, query.tenant_id)
    return {"items": [_document(row, context.clock.now()) for row in rows]}


def _document(row: Mapping[Any, Any], now: int) -> JsonObject:
    expired = row["expires_at"] is not None and row["expires_at"] <= now
    return {
        "id": row["id"],
        "tenant_id": row["tenant_id"],
        "name": row["name"],
        "scopes": row["scopes"].split(),
        "status": "revoked" if row["revoked_at"] is not None else "expired" if expired else "active",
        "created_at": time(row["created_at"]),
        "expires_at": time(row["expires_at"]),
        "revoked_at": time(row["revoked_at"]),
    }
