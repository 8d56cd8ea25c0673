"""Starts, once, the workflow that a node calls."""

from __future__ import annotations

from sqlalchemy import select

from flowrun.commands.idempotency import KeyTakenError, keep_answer
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.emission import chain_depth
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.facts import CallAnswered, Start
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.states import NodeStatus
from flowrun.errors import ConflictError, FlowrunError, TooManyRequestsError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.ports import Context


async def follow(context: Context, execution_id: str, key: RunKey | None) -> None:
    """Start it and tell the caller, in whose transaction the timer goes; what is done twice starts one execution."""
    key = key or ("", "")
    caller = await context.engine.look(execution_id)
    run = caller.runs.get(key)
    outcome: Completed | Failed | None = None
    if run is not None and run.status is NodeStatus.WAITING and isinstance(run.output, dict):
        try:
            child = await _start(context, caller, run, run.output)
        except (UnavailableError, TooManyRequestsError):
            raise  # The timer stands, and fires again.
        except FlowrunError as error:
            outcome = Failed("workflow_not_started", str(error))
        else:
            done: JsonObject = {"execution_id": child, "workflow_id": run.output["workflow_id"]}
            outcome = None if run.output["wait"] else Completed(done)
    await context.engine.tell(None, execution_id, CallAnswered(key, outcome))


async def _start(context: Context, caller: Execution, run: NodeRun, asked: JsonObject) -> str:
    workflow_id, tenant_id = str(asked["workflow_id"]), caller.tenant_id
    graph = await context.graphs.get(tenant_id, workflow_id)
    await _require_published(context, tenant_id, workflow_id)
    trigger: JsonObject = {
        "type": "workflow",
        "body": asked["input"],
        "depth": chain_depth(caller.trigger) + 1,
        "caller": {
            "execution_id": caller.id,
            "node_id": run.node.id,
            "iteration": run.iteration,
            "wait": asked["wait"],
        },
    }
    child = context.new_id()
    # A node that an operator lets run again calls anew: its time tells the calls apart.
    name = f"{caller.id}:{run.node.id}:{run.iteration}:{run.queued_at}"
    also = keep_answer((tenant_id, "call", name), b"", {"execution_id": child}, context.clock.now())
    start = Start(graph.trigger(None).id, trigger, by=f"execution {caller.id}")
    try:
        return await context.engine.start(graph, tenant_id, start, execution_id=child, also=also)
    except KeyTakenError as error:
        return str(error.answer["execution_id"])


async def _require_published(context: Context, tenant_id: str, workflow_id: str) -> None:
    table = t.workflows
    query = select(table.c.status).where(table.c.tenant_id == tenant_id, table.c.id == workflow_id)
    row = await context.reader.first(query)
    if row is None or row["status"] != WorkflowStatus.PUBLISHED:
        raise ConflictError(f"The workflow {workflow_id} is not published, so it cannot be called")
