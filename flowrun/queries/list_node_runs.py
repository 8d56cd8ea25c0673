"""All node runs of an execution, those that nothing has reached yet among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Select, case, func, null, or_, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.attempts import ATTEMPT_EVENTS, attempts_of
from flowrun.queries.get_execution import execution_row, node_types
from flowrun.queries.get_node_log import add_progress
from flowrun.queries.node_runs import pending_row, run_document, run_rows
from flowrun.queries.payloads import Payloads, items_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNodeRuns(Query[JsonObject]):
    """Every node run in the order of the definition; `{items}`. `payload` False leaves input and output out."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str
    payload: bool = True


async def handle(query: ListNodeRuns, context: Context, _principal: Principal) -> JsonObject:
    """Three SELECTs, however many nodes there are; raises `NotFoundError`."""
    execution = await execution_row(context, query.tenant_id, query.execution_id)
    types = await node_types(context, execution)
    runs = await run_rows(context, query.execution_id)
    events = await context.reader.all(_events(query.execution_id, with_payloads=query.payload))
    attempts = attempts_of(events)
    payloads = Payloads(runs, _data(events), items_of(events)) if query.payload else None
    places = {node_id: place for place, node_id in enumerate(types)}
    reached = {node_id for node_id, _ in runs}
    rows = [*runs.values(), *(pending_row(node_id) for node_id in types if node_id not in reached)]
    rows.sort(key=lambda row: (places.get(row["node_id"], len(places)), _place(row["iteration"])))
    items = []
    for row in rows:
        found = attempts.get((row["node_id"], row["iteration"]), [])
        items.append(run_document(row, types.get(row["node_id"]), found, payloads))
    await add_progress(context, query.execution_id, items)
    return {"items": list(items)}


def _events(execution_id: str, *, with_payloads: bool) -> Select[Any]:
    table = t.execution_events
    small = case(
        (table.c.type == "NodeCompleted", func.json_remove(table.c.data, "$.output")),
        (table.c.type == "ExecutionCreated", null()),
        else_=table.c.data,
    )
    data = table.c.data if with_payloads else small.label("data")
    kinds = (*ATTEMPT_EVENTS, "IterationStarted") if with_payloads else ATTEMPT_EVENTS
    return (
        select(table.c.seq, table.c.at, table.c.type, table.c.node_id, table.c.iteration, data)
        .where(table.c.execution_id == execution_id, or_(table.c.seq == 1, table.c.type.in_(kinds)))
        .order_by(table.c.seq)
    )


def _data(events: Sequence[Mapping[Any, Any]]) -> dict[int, JsonObject]:
    return {event["seq"]: load(event["data"]) or {} for event in events}


def _place(iteration: str) -> tuple[int, str]:
    """Iterations in the order of their numbers: `2` before `10`."""
    return (len(iteration), iteration)
