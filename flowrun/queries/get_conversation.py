"""What was said in a conversation, as far as it is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.conversations import is_conversation, not_remembered, read_turns
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
    key = (query.tenant_id, query.workflow_id, query.conversation_id)
    row = await context.reader.first(select(t.conversations).where(is_conversation(*key)))
    if row is None:
        raise not_remembered(query.workflow_id, query.conversation_id)
    turns = [{"user": turn["user"], "assistant": turn["assistant"]} for turn in read_turns(row["messages"])]
    return {
        "id": row["id"],
        "turns": [*turns],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
    }
