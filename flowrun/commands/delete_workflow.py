"""Deletes a workflow that nothing runs any more; its versions stay, so that its history can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, func, select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.workflow_events import store_events
from flowrun.commands.workflow_schedules import store_schedules
from flowrun.commands.workflow_webhooks import store_webhooks
from flowrun.domain.json import JsonObject
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context

_UNFINISHED = [status.value for status in ExecutionStatus if status not in FINAL_EXECUTION]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWorkflow(Command[JsonObject]):
    """Delete a workflow; `{id, deleted}`."""

    scope: ClassVar[Scope] = Scope.WRITE
    tenant_id: str
    workflow_id: str


async def handle(message: DeleteWorkflow, context: Context, _principal: Principal) -> JsonObject:
    """Delete; raises `NotFoundError`, and `ConflictError` while executions of it have not ended."""
    tenant_id, workflow_id = message.tenant_id, message.workflow_id

    def change(connection: Connection) -> None:
        table = t.workflows
        running = _running(connection, tenant_id, workflow_id)
        if running:
            raise ConflictError(f"{running} executions of {workflow_id} have not ended; cancel them, or archive it")
        gone = delete(table).where(table.c.tenant_id == tenant_id, table.c.id == workflow_id)
        if connection.execute(gone).rowcount == 0:
            raise NotFoundError(f"The tenant {tenant_id} has no workflow {workflow_id}")
        store_webhooks(connection, tenant_id, workflow_id, [], active=False, new_id=context.new_id)
        store_events(connection, tenant_id, workflow_id, [], active=False)
        now = context.clock.now()
        store_schedules(connection, tenant_id, workflow_id, [], active=False, now=now, new_id=context.new_id)

    await context.writer.transact(change)
    context.routes.replace(tenant_id, workflow_id, [])
    context.events.replace(tenant_id, workflow_id, [])
    context.graphs.forget(tenant_id, workflow_id)
    context.schedules.changed()
    await context.limits.workflow_changed(tenant_id, workflow_id)
    return {"id": workflow_id, "deleted": True}


def _running(connection: Connection, tenant_id: str, workflow_id: str) -> int:
    table = t.executions
    # The concatenation keeps the index by status in use: unfinished executions are few, a workflow's may be millions.
    same_workflow = table.c.workflow_id.concat("") == workflow_id
    query = select(func.count()).where(table.c.tenant_id == tenant_id, table.c.status.in_(_UNFINISHED), same_workflow)
    return connection.scalar(query) or 0
