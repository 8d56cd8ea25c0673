"""Lets the agents of a workflow forget a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.conversations import is_conversation, not_remembered
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteConversation(Command[JsonObject]):
    """Delete a conversation; the next turn of it begins a new one. `{id, deleted}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str
    workflow_id: str
    conversation_id: str


async def handle(message: DeleteConversation, context: Context, _principal: Principal) -> JsonObject:
    """Delete it; raises `NotFoundError`."""
    key = (message.tenant_id, message.workflow_id, message.conversation_id)

    def change(connection: Connection) -> None:
        if connection.execute(delete(t.conversations).where(is_conversation(*key))).rowcount == 0:
            raise not_remembered(message.workflow_id, message.conversation_id)

    await context.writer.transact(change)
    return {"id": message.conversation_id, "deleted": True}
