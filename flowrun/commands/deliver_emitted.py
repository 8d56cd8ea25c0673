"""Delivers an event that a node has emitted: it was committed with the node's completion."""

from __future__ import annotations

import logging
from functools import partial

from sqlalchemy import Connection, select

from flowrun.commands.event_delivery import Event, deliver, store
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import TimerKind
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context

_log = logging.getLogger(__name__)


async def follow(context: Context, execution_id: str, key: RunKey | None) -> None:
    """Store the event and start what waits for it; the timer goes when all that is done."""
    node_id, iteration = key or ("", "")
    event = await _emitted(context, execution_id, node_id, iteration)
    done = partial(_remove_timer, execution_id, node_id, iteration)
    stored = await context.writer.transact(lambda connection: store(connection, event))
    await deliver(context, stored, done)


async def _emitted(context: Context, execution_id: str, node_id: str, iteration: str) -> Event:
    """The event that is the output of a run; raises `NotFoundError` when the run is gone."""
    runs, events, executions = t.node_executions, t.execution_events, t.executions
    query = (
        select(events.c.data, executions.c.tenant_id)
        .join(executions, executions.c.id == runs.c.execution_id)
        .join(events, (events.c.execution_id == runs.c.execution_id) & (events.c.seq == runs.c.result_seq))
        .where(runs.c.execution_id == execution_id, runs.c.node_id == node_id, runs.c.iteration == iteration)
    )
    row = await context.reader.first(query)
    document = (load(row["data"]) or {}).get("output") if row is not None else None
    if row is None or not isinstance(document, dict):
        raise NotFoundError(f"The execution {execution_id} has no event of {node_id}")
    attributes = {name: value for name, value in document.items() if name not in {"specversion", "data"}}
    now = context.clock.now()
    return Event(context.new_id(), row["tenant_id"], attributes, document.get("data"), now, emitted_by=execution_id)


def _remove_timer(execution_id: str, node_id: str, iteration: str, connection: Connection) -> None:
    timer = t.timers
    key = (timer.c.execution_id == execution_id, timer.c.node_id == node_id, timer.c.iteration == iteration)
    connection.execute(timer.delete().where(*key, timer.c.kind == TimerKind.EVENT.value))
