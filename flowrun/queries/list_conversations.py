"""The conversations that the agents of a workflow remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import func, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, tenant_page, time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConversations(Query[JsonObject]):
    """A page of conversations by id; `{items, next}` with `{id, turns, created_at, updated_at}`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListConversations, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant. A deleted workflow's conversations are there until they are."""
    table = t.conversations.c
    columns = (table.id, func.json_array_length(table.messages).label("turns"), table.created_at, table.updated_at)
    mine = (table.tenant_id == query.tenant_id, table.workflow_id == query.workflow_id)
    return await tenant_page(context, query, select(*columns).where(*mine), table.id, _document)


def _document(row: Mapping[Any, Any]) -> JsonObject:
    return {
        "id": row["id"],
        "turns": row["turns"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }
