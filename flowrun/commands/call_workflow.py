"""A running node calls another workflow: once for each call, however often it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import RowMapping, func, select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.start_called import Call, start_once
from flowrun.domain.calls import running_call_name
from flowrun.domain.emission import MAX_CHAIN, chain_depth
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWorkflow(Command[JsonObject]):
    """Start the workflow that a running node calls, as a tool of an agent does; `{execution_id}`.

    `key` tells the calls of one node run apart. A run that an operator lets run again calls anew.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    tenant_id: str
    workflow_id: str
    input: JsonValue
    execution_id: str
    """The caller's."""
    node_id: str
    iteration: str
    key: str


async def handle(command: CallWorkflow, context: Context, _principal: Principal) -> JsonObject:
    """Start it; raises `NotFoundError`, and `ConflictError` when it isn't published or the caller has ended."""
    row = await _caller(command, context)
    if row is None or row["finished_at"] is not None:
        raise ConflictError(f"The node {command.node_id} of the execution {command.execution_id} doesn't run any more")
    depth = chain_depth({"depth": row["depth"]})
    if depth >= MAX_CHAIN:
        raise ConflictError(f"{MAX_CHAIN} workflows have started one another already: this looks like a loop")
    call = Call(
        tenant_id=command.tenant_id,
        workflow_id=command.workflow_id,
        input=command.input,
        execution_id=command.execution_id,
        run=(command.node_id, command.iteration),
        depth=depth + 1,
        name=running_call_name(row["queued_at"], command.key),
        wait=False,
    )
    return {"execution_id": await start_once(context, call)}


async def _caller(command: CallWorkflow, context: Context) -> RowMapping | None:
    executions, runs, events = t.executions, t.node_executions, t.execution_events
    depth = func.json_extract(events.c.data, "$.trigger.depth").label("depth")
    query = (
        select(executions.c.finished_at, runs.c.queued_at, depth)
        .join(runs, runs.c.execution_id == executions.c.id)
        .join(events, (events.c.execution_id == executions.c.id) & (events.c.seq == 1))
        .where(executions.c.id == command.execution_id, executions.c.tenant_id == command.tenant_id)
        .where(runs.c.node_id == command.node_id, runs.c.iteration == command.iteration)
    )
    return await context.reader.first(query)
