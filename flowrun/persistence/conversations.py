"""The stored conversations of agents: one row each, with the last turns as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence.tables import conversations
from flowrun.ports import Clock, Reader, Writer

Turns = Sequence[JsonObject]


class ConversationStore:
    """See `flowrun.nodes.agent.memory.Conversations`."""

    def __init__(self, reader: Reader, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def turns(self, tenant_id: str, workflow_id: str, conversation_id: str) -> Turns:
        """Return the turns of a conversation, oldest first."""
        query = select(conversations.c.messages).where(is_conversation(tenant_id, workflow_id, conversation_id))
        row = await self._reader.first(query)
        return read_turns(row["messages"] if row is not None else None)

    async def change(
        self, tenant_id: str, workflow_id: str, conversation_id: str, change: Callable[[Turns], Turns]
    ) -> None:
        """Replace the turns by what a pure function makes of them, in one transaction."""
        now = self._clock.now()

        def write(connection: Connection) -> None:
            where = is_conversation(tenant_id, workflow_id, conversation_id)
            found = connection.scalar(select(conversations.c.messages).where(where))
            messages = orjson.dumps(list(change(read_turns(found)))).decode()
            if found is not None:
                connection.execute(update(conversations).where(where).values(messages=messages, updated_at=now))
                return
            key = {"tenant_id": tenant_id, "workflow_id": workflow_id, "id": conversation_id}
            connection.execute(insert(conversations).values(**key, messages=messages, created_at=now, updated_at=now))

        await self._writer.transact(write)


def is_conversation(tenant_id: str, workflow_id: str, conversation_id: str) -> ColumnElement[bool]:
    """Whether a row is that conversation."""
    table = conversations.c
    return and_(table.tenant_id == tenant_id, table.workflow_id == workflow_id, table.id == conversation_id)


def read_turns(messages: str | None) -> Turns:
    """The turns that a row's `messages` hold, oldest first."""
    turns: list[JsonObject] = orjson.loads(messages) if messages else []
    return turns


def not_remembered(workflow_id: str, conversation_id: str) -> NotFoundError:
    """What whoever asks for a conversation that isn't there is told."""
    return NotFoundError(f"The workflow {workflow_id} remembers no conversation {conversation_id}")
