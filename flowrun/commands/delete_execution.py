"""Deletes an ended execution with all that was recorded of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.start_called import CALLS
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence import expiry
from flowrun.ports import Context

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteExecution(Command[JsonObject]):
    """Delete an execution that has ended; `{id, deleted}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str
    execution_id: str


async def handle(message: DeleteExecution, context: Context, principal: Principal) -> JsonObject:
    """Delete; raises `NotFoundError`, and `ConflictError` while somebody may still ask for the execution."""
    execution_id = message.execution_id

    with context.engine.withdrawn([execution_id]) as free:

        def change(connection: Connection) -> None:
            found = connection.execute(expiry.execution_to_delete(message.tenant_id, execution_id)).mappings().first()
            if found is None:
                raise NotFoundError(f"The tenant {message.tenant_id} has no execution {execution_id}")
            if found["finished_at"] is None or not free:
                raise ConflictError(f"The execution {execution_id} is under way; cancel it first")
            if found["called"]:
                raise ConflictError(f"The execution {execution_id} was called by one that is under way")
            last = found["finished_at"] + 1
            if found["busy"] or not expiry.delete_executions(connection, free, ended_before=last, calls=CALLS):
                raise ConflictError(f"Others are still to hear of the end of {execution_id}; try again in a moment")

        await context.writer.transact(change)
    _log.info("The execution %s of %s was deleted by %s", execution_id, message.tenant_id, principal.name)
    return {"id": execution_id, "deleted": True}
