"""Publishes or archives a workflow, or makes it a draft again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.save_workflow import refuse
from flowrun.commands.workflow_events import EventNode, event_nodes, store_events
from flowrun.commands.workflow_schedules import schedule_nodes, store_schedules
from flowrun.commands.workflow_webhooks import Route, rival_issues, store_webhooks, webhook_nodes
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWorkflowStatus(Command[JsonObject]):
    """Let a workflow have this status; `{id, version, status, changed}`. Only published ones are triggered."""

    scope: ClassVar[Scope] = Scope.WRITE
    tenant_id: str
    workflow_id: str
    status: WorkflowStatus


async def handle(message: SetWorkflowStatus, context: Context, _principal: Principal) -> JsonObject:
    """Change the status; raises `NotFoundError`, and `InvalidInputError` when another workflow has its route."""
    tenant_id, workflow_id = message.tenant_id, message.workflow_id
    context.graphs.forget(tenant_id, workflow_id)
    definition, version = await context.graphs.current(tenant_id, workflow_id)
    webhooks = webhook_nodes(definition, context.types)
    schedules = schedule_nodes(definition, context.types)
    nodes = event_nodes(definition, context.types)
    active = message.status is WorkflowStatus.PUBLISHED
    if active:
        refuse(rival_issues(tenant_id, workflow_id, webhooks, context.routes))
    table = t.workflows
    key = (table.c.tenant_id == tenant_id, table.c.id == workflow_id)

    def change(connection: Connection) -> tuple[bool, list[Route], list[EventNode]]:
        before = connection.scalar(select(table.c.status).where(*key, table.c.version == version))
        if before is None:
            raise NotFoundError(f"The workflow {workflow_id} was changed or deleted meanwhile")
        now = context.clock.now()
        values = {"status": message.status.value, "updated_at": now}
        if before != message.status.value:
            connection.execute(update(table).where(*key).values(**values))
        routes = store_webhooks(connection, tenant_id, workflow_id, webhooks, active=active, new_id=context.new_id)
        store_schedules(connection, tenant_id, workflow_id, schedules, active=active, now=now, new_id=context.new_id)
        events = store_events(connection, tenant_id, workflow_id, nodes, active=active)
        return before != message.status.value, routes, events

    changed, routes, events = await context.writer.transact(change)
    context.routes.replace(tenant_id, workflow_id, routes)
    context.events.replace(tenant_id, workflow_id, events)
    context.schedules.changed()
    return {"id": workflow_id, "version": version, "status": message.status.value, "changed": changed}
