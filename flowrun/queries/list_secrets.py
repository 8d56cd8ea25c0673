"""The secrets of a tenant: their names, never their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, tenant_page, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSecrets(Query[JsonObject]):
    """A page of secrets by name; `{items, next}` with `{name, created_at, updated_at, key_id}`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListSecrets, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    table = t.secrets
    columns = (table.c.name, table.c.key_id, table.c.created_at, table.c.updated_at)
    statement = select(*columns).where(table.c.tenant_id == query.tenant_id)
    return await tenant_page(context, query, statement, table.c.name, _document)


def _document(row: Mapping[Any, Any]) -> JsonObject:
    return {
        "name": row["name"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
        "key_id": row["key_id"],
    }
