"""One node run with its payloads and attempts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import false, func, or_, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.attempts import attempts_of
from flowrun.queries.get_execution import execution_row, node_types
from flowrun.queries.get_node_log import add_progress
from flowrun.queries.node_runs import pending_row, run_document, run_rows
from flowrun.queries.payloads import Payloads, items_of, needed


@dataclass(frozen=True, slots=True, kw_only=True)
class GetNodeRun(Query[JsonObject]):
    """One node run; `iteration` is empty outside loops."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str
    node_id: str
    iteration: str = ""


async def handle(query: GetNodeRun, context: Context, _principal: Principal) -> JsonObject:
    """Reads the payloads of this node and its parents alone; raises `NotFoundError`."""
    execution = await execution_row(context, query.tenant_id, query.execution_id)
    types = await node_types(context, execution)
    runs = await run_rows(context, query.execution_id)
    key = (query.node_id, query.iteration)
    if key not in runs and (query.node_id not in types or query.iteration):
        raise NotFoundError(
            f"The execution {query.execution_id} has no node run {query.node_id} {query.iteration}".rstrip()
        )
    table = t.execution_events
    around, _, index = query.iteration.rpartition(".")
    begun = (table.c.type == "IterationStarted") & (table.c.iteration == around)
    item = begun & (func.json_extract(table.c.data, "$.index") == int(index)) if index.isdecimal() else false()
    mine = (table.c.node_id == query.node_id) & (table.c.iteration == query.iteration)
    events = await context.reader.all(
        select(table.c.seq, table.c.at, table.c.type, table.c.node_id, table.c.iteration, table.c.data)
        .where(table.c.execution_id == query.execution_id, or_(mine, item, table.c.seq.in_(sorted(needed(runs, key)))))
        .order_by(table.c.seq)
    )
    own = [event for event in events if event["node_id"] == query.node_id and event["iteration"] == query.iteration]
    payloads = Payloads(runs, {event["seq"]: load(event["data"]) or {} for event in events}, items_of(events))
    row = runs.get(key) or pending_row(query.node_id)
    document = run_document(row, types.get(query.node_id), attempts_of(own).get(key, []), payloads)
    await add_progress(context, query.execution_id, [document])
    return document
