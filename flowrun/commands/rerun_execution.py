"""Runs an execution again as a new one, from its beginning or from one of its nodes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import RowMapping, select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.idempotency import remember
from flowrun.commands.kept_results import History, kept_results, with_input
from flowrun.commands.open_tenant import require_open
from flowrun.domain.calls import nobody_awaits
from flowrun.domain.events import Event, ExecutionCreated, restore_event
from flowrun.domain.facts import Start
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import FINAL_EXECUTION
from flowrun.errors import ConflictError, InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.graphs import UnreadableDefinitionError
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.triggers.inputs import checked_input

_KEPT_TYPES = ("ExecutionCreated", "NodeCompleted", "NodeFailed", "NodeSkipped")


class RerunVersion(StrEnum):
    """Which version of the workflow a rerun uses."""

    ORIGINAL = "original"
    CURRENT = "current"


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunExecution(Command[JsonObject]):
    """Start a new execution like an earlier one; `{execution_id, workflow_id, version, rerun_of}`.

    With `from_node` the results of all nodes that it doesn't lead to are used again. `input` (with `edited`)
    replaces the execution's input.
    """

    scope: ClassVar[Scope] = Scope.RUN
    keeps_own_answer: ClassVar[bool] = True
    tenant_id: str
    execution_id: str
    from_node: str | None = None
    version: RerunVersion = RerunVersion.ORIGINAL
    input: JsonValue = None
    edited: bool = False
    notify: bool = False


async def handle(message: RerunExecution, context: Context, principal: Principal) -> JsonObject:
    """Start it; raises `NotFoundError`, and `ConflictError` while the earlier one runs and results are wanted."""
    require_open(context, message.tenant_id)
    row = await _row(message, context)
    if message.from_node is not None and row["status"] not in FINAL_EXECUTION:
        raise ConflictError(f"The execution is {row['status']}; a rerun from a node needs one that has ended")
    version = row["version"] if message.version is RerunVersion.ORIGINAL else None
    graph = await context.graphs.get(message.tenant_id, row["workflow_id"], version)
    history = await _history(message.execution_id, context)
    created = history[0][1]
    if not isinstance(created, ExecutionCreated):
        raise NotFoundError(f"The history of the execution {message.execution_id} is gone")
    trigger = graph.trigger(created.trigger_node)
    if message.edited:
        message = replace(message, input=checked_input(trigger, message.input))
    start = Start(
        trigger.id,
        nobody_awaits(created.trigger),
        message.input if message.edited else created.input,
        by=principal.name,
        rerun_of=message.execution_id,
    )
    if message.from_node is not None:
        if message.edited:
            history = with_input(history, created.trigger_node, message.input)
        ran_in = await _ran_in(message, context, row, graph)
        start.kept = kept_results(history, start, ran_in, graph, message.from_node)
    execution_id = context.new_id()
    answer: JsonObject = {
        "execution_id": execution_id,
        "workflow_id": graph.workflow_id,
        "version": graph.version,
        "rerun_of": message.execution_id,
    }
    await context.engine.start(
        graph,
        message.tenant_id,
        start,
        execution_id=execution_id,
        also=remember(message, answer, context.clock.now()),
        notify=message.notify,
    )
    return answer


async def _ran_in(message: RerunExecution, context: Context, row: RowMapping, graph: Graph) -> Graph:
    """The version that the results are of; raises `ConflictError` when it can't be read any more."""
    if row["version"] == graph.version:
        return graph
    try:
        return await context.graphs.get(message.tenant_id, row["workflow_id"], row["version"])
    except (NotFoundError, InvalidInputError, UnreadableDefinitionError) as error:
        problem = f"Nothing of version {row['version']}, which the execution ran in, can be used again"
        raise ConflictError(f"{problem}: {error}; rerun without a node") from error


async def _row(message: RerunExecution, context: Context) -> RowMapping:
    table = t.executions
    row = await context.reader.first(
        select(table.c.workflow_id, table.c.version, table.c.status).where(
            table.c.id == message.execution_id, table.c.tenant_id == message.tenant_id
        )
    )
    if row is None:
        raise NotFoundError(f"The tenant {message.tenant_id} has no execution {message.execution_id}")
    return row


async def _history(execution_id: str, context: Context) -> History:
    table = t.execution_events
    query = (
        select(table.c.at, table.c.type, table.c.node_id, table.c.iteration, table.c.data)
        .where(table.c.execution_id == execution_id, table.c.type.in_(_KEPT_TYPES))
        .order_by(table.c.seq)
    )
    rows = await context.reader.all(query)
    if not rows:
        raise NotFoundError(f"The history of the execution {execution_id} is gone")
    return [(row["at"], _event(row)) for row in rows]


def _event(row: RowMapping) -> Event:
    return restore_event(row["type"], row["node_id"], row["iteration"] or "", load(row["data"]))
