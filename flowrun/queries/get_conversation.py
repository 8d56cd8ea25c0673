"""What was said in a conversation, as far as it is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import time


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConversation(Query[JsonObject]):
    """A conversation; `{id, turns, created_at, updated_at}` with `{user, assistant}` for each turn, oldest first."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str
    conversation_id: str


async def handle(query: GetConversation, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    table = t.conversations.c
    mine = (table.tenant_id == query.tenant_id, table.workflow_id == query.workflow_id)
    row = await context.reader.first(select(t.conversations).where(*mine, table.id == query.conversation_id))
    if row is None:
        raise NotFoundError(f"The workflow {query.workflow_id} remembers no conversation {query.conversation_id}")
    turns: list[JsonValue] = [
        {"user": turn["user"], "assistant": turn["assistant"]} for turn in load(row["messages"]) or ()
    ]
    return {
        "id": row["id"],
        "turns": turns,
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }
