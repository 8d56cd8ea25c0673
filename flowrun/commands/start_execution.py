"""Starts an execution by hand: by the API or the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.idempotency import remember
from flowrun.commands.open_tenant import require_open
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.triggers.inputs import checked_input


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExecution(Command[JsonObject]):
    """Start a published workflow; `{execution_id, workflow_id, version}`.

    `trigger` names the trigger node, None is the manual one. `notify` lets `Engine.ending` miss nothing.
    """

    scope: ClassVar[Scope] = Scope.RUN
    keeps_own_answer: ClassVar[bool] = True
    tenant_id: str
    workflow_id: str
    input: JsonValue = None
    trigger: str | None = None
    version: int | None = None
    notify: bool = False


async def handle(message: StartExecution, context: Context, principal: Principal) -> JsonObject:
    """Start; raises `NotFoundError`, `ConflictError` unless it is published, `InvalidInputError` for the input."""
    require_open(context, message.tenant_id)
    version = await _version(message, context)
    graph = await context.graphs.get(message.tenant_id, message.workflow_id, version)
    node = graph.trigger(message.trigger)
    body = checked_input(node, message.input)
    now = context.clock.now()
    # `Start.input` stays None: the input is the trigger's body, and is stored once.
    trigger: JsonObject = {"type": "manual", "body": body, "received_at": rfc3339(now)}
    execution_id = context.new_id()
    answer: JsonObject = {"execution_id": execution_id, "workflow_id": graph.workflow_id, "version": graph.version}
    await context.engine.start(
        graph,
        message.tenant_id,
        Start(node.id, trigger, by=principal.name),
        execution_id=execution_id,
        also=remember(message, answer, now),
        notify=message.notify,
    )
    return answer


async def _version(message: StartExecution, context: Context) -> int:
    """The version to start: the current one, unless another is asked for."""
    table = t.workflows
    key = (table.c.tenant_id == message.tenant_id, table.c.id == message.workflow_id)
    row = await context.reader.first(select(table.c.status, table.c.version).where(*key))
    if row is None:
        raise NotFoundError(f"The tenant {message.tenant_id} has no workflow {message.workflow_id}")
    if row["status"] != WorkflowStatus.PUBLISHED:
        raise ConflictError(
            f"The workflow {message.workflow_id} is {row['status']}; only a published one can be started"
        )
    return int(row["version"]) if message.version is None else message.version
