"""Starts, once, the workflow that a node calls."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from flowrun.commands.idempotency import KeyTakenError, keep_answer
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import Start
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.triggers.inputs import checked_input

CALLS = "call"
"""The scope of the keys that make a call start one execution."""


def call_prefix(execution_id: str, key: RunKey) -> str:
    """What the keys of all calls of one node run begin with."""
    return f"{execution_id}:{key[0]}:{key[1]}:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a workflow by a node of the same tenant."""

    tenant_id: str
    workflow_id: str
    input: JsonValue
    execution_id: str
    """The caller's."""
    run: RunKey
    """The caller's."""
    depth: int
    name: str
    """What tells the calls of one run apart; begins with the time of the run."""
    wait: bool
    """The run waits in the database, and the engine tells it of the end."""


async def start_once(context: Context, call: Call) -> str:
    """Start what is called, unless this very call has; gives the id of the execution.

    Raises `NotFoundError` and `ConflictError` for a workflow that can't be called, `InvalidInputError` for the input.
    """
    graph = await context.graphs.get(call.tenant_id, call.workflow_id)
    await _require_published(context, call.tenant_id, call.workflow_id)
    started = graph.trigger(None)
    body = checked_input(started, call.input)
    node_id, iteration = call.run
    trigger: JsonObject = {
        "type": "workflow",
        "body": body,
        "depth": call.depth,
        "caller": {
            "execution_id": call.execution_id,
            "node_id": node_id,
            "iteration": iteration,
            "wait": call.wait,
            "call": call.name,
        },
    }
    child = context.new_id()
    key = (call.tenant_id, CALLS, f"{call_prefix(call.execution_id, call.run)}{call.name}")
    also = keep_answer(key, b"", {"execution_id": child}, context.clock.now())
    start = Start(started.id, trigger, by=f"execution {call.execution_id}")
    try:
        return await context.engine.start(graph, call.tenant_id, start, execution_id=child, also=also)
    except KeyTakenError as error:
        return str(error.answer["execution_id"])


async def _require_published(context: Context, tenant_id: str, workflow_id: str) -> None:
    table = t.workflows
    query = select(table.c.status).where(table.c.tenant_id == tenant_id, table.c.id == workflow_id)
    row = await context.reader.first(query)
    if row is None or row["status"] != WorkflowStatus.PUBLISHED:
        raise ConflictError(f"The workflow {workflow_id} is not published, so it cannot be called")
