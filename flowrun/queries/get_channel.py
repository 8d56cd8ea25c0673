"""One channel, and which of its credentials are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.channel_documents import channel_document


@dataclass(frozen=True, slots=True, kw_only=True)
class GetChannel(Query[JsonObject]):
    """A channel; `credentials` has the names of those that are set, null when they cannot be decrypted."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    name: str


async def handle(query: GetChannel, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    table = t.channels
    mine = (table.c.tenant_id == query.tenant_id, table.c.name == query.name)
    row = await context.reader.first(select(table).where(*mine))
    if row is None:
        raise NotFoundError(f"The tenant {query.tenant_id} has no channel {query.name}")
    return {**channel_document(row), "credentials": await _names(query, context)}


async def _names(query: GetChannel, context: Context) -> list[JsonValue] | None:
    try:
        channel = await context.channels.get(query.tenant_id, query.name)
    except FlowrunError:
        return None
    return [*sorted(name for name, value in channel.credentials.items() if value is not None)]
