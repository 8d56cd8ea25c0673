"""Lets the agents of a workflow forget a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
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

    def change(connection: Connection) -> None:
        table = t.conversations.c
        mine = (table.tenant_id == message.tenant_id, table.workflow_id == message.workflow_id)
        gone = delete(t.conversations).where(*mine, table.id == message.conversation_id)
        if connection.execute(gone).rowcount == 0:
            text = f"The workflow {message.workflow_id} remembers no conversation {message.conversation_id}"
            raise NotFoundError(text)

    await context.writer.transact(change)
    return {"id": message.conversation_id, "deleted": True}
