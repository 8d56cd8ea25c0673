"""Starts a workflow again from a delivery that the log holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import RowMapping, select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.delivery_log import TABLE, LogEntry, Outcome, log
from flowrun.commands.idempotency import remember
from flowrun.commands.open_tenant import require_open
from flowrun.commands.webhook_trigger import event_type_of, prepared
from flowrun.domain.expression import ExpressionError
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import ChannelProof, Context, RouteMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverWebhook(Command[JsonObject]):
    """Deliver again; `{event_id, outcome, execution_id}`, of the new entry in the log.

    Filter and map are the webhook's present ones. The sender was verified when it came, and keys don't count: whoever
    asks for it wants it started again.
    """

    scope: ClassVar[Scope] = Scope.RUN
    keeps_own_answer: ClassVar[bool] = True
    tenant_id: str
    webhook_id: str
    event_id: str


async def handle(message: RedeliverWebhook, context: Context, principal: Principal) -> JsonObject:
    """Raises `NotFoundError`, and `ConflictError` for what cannot be delivered again, with the reason."""
    require_open(context, message.tenant_id)
    event = await _event(message, context)
    match = await _webhook(message, context, event["channel_id"])
    trigger, now = await _trigger(event, context), context.clock.now()
    reason, event_id = f"redelivery of {message.event_id} by {principal.name}", context.new_id()
    try:
        found = await prepared(context, match, trigger, now)
    except ExpressionError as error:
        raise ConflictError(f"The webhook's filter or map cannot be evaluated: {error}") from None
    if found is None:
        await log(context, [LogEntry(match, Outcome.FILTERED, now, event_type_of(trigger), reason, trigger=trigger)])
        return {"event_id": None, "outcome": Outcome.FILTERED.value, "execution_id": None}
    graph, start = found
    start.by = principal.name
    execution_id = context.new_id()
    entry = LogEntry(match, Outcome.STARTED, now, event_type_of(trigger), reason, execution_id)
    answer: JsonObject = {"event_id": event_id, "outcome": Outcome.STARTED.value, "execution_id": execution_id}
    await context.engine.start(
        graph,
        match.tenant_id,
        start,
        execution_id=execution_id,
        also=remember(message, answer, now),
        rows={TABLE: [entry.row(event_id)]},
    )
    return answer


async def _event(message: RedeliverWebhook, context: Context) -> RowMapping:
    table = t.webhook_events
    key = (table.c.webhook_id == message.webhook_id, table.c.id == message.event_id)
    row = await context.reader.first(select(table).where(*key, table.c.tenant_id == message.tenant_id))
    if row is None:
        raise NotFoundError(f"The webhook {message.webhook_id} has no delivery {message.event_id}")
    return row


async def _webhook(message: RedeliverWebhook, context: Context, channel_id: str | None) -> RouteMatch:
    table = t.webhooks
    key = (table.c.id == message.webhook_id, table.c.tenant_id == message.tenant_id)
    row = await context.reader.first(select(table).where(*key))
    if row is None:
        raise NotFoundError(f"The webhook {message.webhook_id} is gone")
    if row["status"] != "active":
        raise ConflictError(f"The workflow {row['workflow_id']} is not published; only then can its webhooks start it")
    proof = None if channel_id is None else ChannelProof(channel_id)
    config = load(row["config"])
    return RouteMatch(row["id"], row["tenant_id"], row["workflow_id"], row["node_id"], config, {}, proof)


async def _trigger(event: RowMapping, context: Context) -> JsonObject:
    """What came then: the log's own copy, or that of the execution which it started."""
    stored: Any = load(event["payload"])
    if stored is None and event["execution_id"] is not None:
        table = t.execution_events
        first = (table.c.execution_id == event["execution_id"], table.c.seq == 1)
        row = await context.reader.first(select(table.c.data).where(*first))
        stored = load(row["data"]).get("trigger") if row is not None else None
    if not isinstance(stored, dict):
        known = "its execution is gone" if event["execution_id"] else "nothing of a refused request is kept"
        raise ConflictError(f"The delivery {event['id']} cannot be repeated: {known}")
    return stored
