"""The channels of a tenant, never their credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.channel_documents import channel_document
from flowrun.queries.documents import check_limit, tenant_page


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChannels(Query[JsonObject]):
    """A page of channels by name; `{items, next}`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListChannels, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    table = t.channels
    statement = select(table).where(table.c.tenant_id == query.tenant_id)
    return await tenant_page(context, query, statement, table.c.name, channel_document)
