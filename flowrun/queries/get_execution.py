"""One execution with its input, output, error and progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import RowMapping, func, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import NodeStatus
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import seconds, time
from flowrun.queries.payloads import input_of

SUMMARY = (
    t.executions.c.id,
    t.executions.c.tenant_id,
    t.executions.c.workflow_id,
    t.executions.c.version,
    t.executions.c.status,
    t.executions.c.trigger_type,
    t.executions.c.rerun_of,
    t.executions.c.reason,
    t.executions.c.created_at,
    t.executions.c.started_at,
    t.executions.c.finished_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetExecution(Query[JsonObject]):
    """One execution as a document."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str


async def handle(query: GetExecution, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    row = await execution_row(context, query.tenant_id, query.execution_id)
    events = await _events(context, query.execution_id, row["result_seq"])
    created, result = events.get(1, {}), events.get(row["result_seq"] or 0, {})
    document = summary(row)
    document["input"] = input_of(created)
    document["output"] = None
    if row["status"] == "completed":
        document["output"] = await _output(context, query.execution_id, result)
    document["error"] = result.get("error")
    document["trigger"] = _trigger(created)
    document["triggered_by"] = created.get("by")
    document["progress"] = await _progress(context, row)
    return document


async def execution_row(context: Context, tenant_id: str, execution_id: str) -> RowMapping:
    """The row of a tenant's execution; raises `NotFoundError`."""
    table = t.executions
    found = (table.c.id == execution_id, table.c.tenant_id == tenant_id)
    row = await context.reader.first(select(*SUMMARY, table.c.result_seq).where(*found))
    if row is None:
        raise NotFoundError(f"The tenant {tenant_id} has no execution {execution_id}")
    return row


def summary(row: Mapping[Any, Any]) -> JsonObject:
    """What a list shows of an execution."""
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "tenant_id": row["tenant_id"],
        "version": row["version"],
        "status": row["status"],
        "trigger_type": row["trigger_type"],
        "rerun_of": row["rerun_of"],
        "reason": row["reason"],
        "created_at": time(row["created_at"]),
        "started_at": time(row["started_at"]),
        "finished_at": time(row["finished_at"]),
        "duration": seconds(row["created_at"], row["finished_at"]),
    }


async def node_types(context: Context, execution: Mapping[Any, Any]) -> dict[str, str]:
    """The type of each node of an execution's version, in the order of the definition.

    Empty when the version cannot be used any more (a plugin is gone): what happened can be looked at all the same.
    """
    key = (execution["tenant_id"], execution["workflow_id"], execution["version"])
    try:
        graph = await context.graphs.get(*key)
    except (FlowrunError, KeyError):
        return {}
    return {node.id: node.type.name for node in graph.nodes.values()}


def progress_of(counts: Sequence[tuple[str, int]], nodes: int) -> JsonObject:
    """How many node runs there are in each state; nodes that have no row yet are pending."""
    progress: JsonObject = {"total": 0, **{status.value: 0 for status in NodeStatus}}
    begun = sum(count for _, count in counts)
    for status, count in counts:
        progress[status] = count
    total = max(nodes, begun)
    progress["total"] = total
    progress["pending"] = total - sum(count for status, count in counts if status != NodeStatus.PENDING)
    return progress


async def _events(context: Context, execution_id: str, result_seq: int | None) -> dict[int, JsonObject]:
    table = t.execution_events
    wanted = [1] if result_seq is None else [1, result_seq]
    query = select(table.c.seq, table.c.data).where(table.c.execution_id == execution_id, table.c.seq.in_(wanted))
    return {row["seq"]: load(row["data"]) or {} for row in await context.reader.all(query)}


async def _output(context: Context, execution_id: str, result: JsonObject) -> JsonValue:
    """The output in the last event; when a response was sent it is not there, but the response's body is it."""
    output = result.get("output")
    if output is not None:
        return output
    table = t.execution_events
    responses = select(table.c.data).where(
        table.c.execution_id == execution_id,
        table.c.type == "NodeCompleted",
        table.c.data.like('%"responds":true%'),
    )
    for row in await context.reader.all(responses.order_by(table.c.seq)):
        data = load(row["data"])
        # The text may also stand in somebody's payload.
        if data.get("responds") is True and isinstance(data.get("output"), dict):
            body: JsonValue = data["output"].get("body")
            return body
    return None


def _trigger(created: JsonObject) -> JsonObject:
    """What fired, without the body where that is the input already."""
    trigger = created.get("trigger")
    shown = dict(trigger) if isinstance(trigger, dict) else {}
    if created.get("input") is None:
        shown.pop("body", None)
    return {"node": created.get("trigger_node"), **shown}


async def _progress(context: Context, row: RowMapping) -> JsonObject:
    table = t.node_executions
    query = select(table.c.status, func.count().label("count")).where(table.c.execution_id == row["id"])
    counts = [(found["status"], found["count"]) for found in await context.reader.all(query.group_by(table.c.status))]
    return progress_of(counts, len(await node_types(context, row)))
