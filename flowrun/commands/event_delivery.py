"""Stores events, and starts what waits for them: each trigger once for each event, whatever breaks off in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, select, update

from flowrun.commands.idempotency import KeyTakenError, keep_answer
from flowrun.domain.emission import DEPTH
from flowrun.domain.expression import ExpressionError
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError, FlowrunError, NotFoundError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump, load
from flowrun.ports import Context, EventMatch
from flowrun.triggers.mapping import mapped, passes

_AT_ONCE = 200
"""Executions that one event starts at the same time."""
_LONGEST_KEY = 255
_Change = Callable[[Connection], None]
_INSERT_EVENT, _INSERT_DELIVERY = insert(t.events), insert(t.event_deliveries)


class Outcome(StrEnum):
    """What became of an event, at one trigger or on the whole."""

    PENDING = "pending"
    """It is being delivered."""
    STARTED = "started"
    FILTERED = "filtered"
    """Only filters that let it pass by."""
    UNMATCHED = "unmatched"
    """Nobody waits for its type."""
    REFUSED = "refused"
    """The tenant is disabled, or a limit was reached."""
    FAILED = "failed"
    """Its filter or mapping cannot be evaluated, or the workflow is gone."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that is stored; `received_at` is ms since the epoch."""

    id: str
    tenant_id: str
    attributes: JsonObject
    data: JsonValue
    received_at: int
    emitted_by: str | None = None
    known: bool = False
    """It was stored before: another one may have delivered it, or have begun to."""

    @property
    def trigger(self) -> JsonObject:
        """What the expressions of a workflow see as `trigger`."""
        depth = self.attributes.get(DEPTH)
        return {
            "type": "event",
            "event": self.attributes,
            "body": self.data,
            "received_at": rfc3339(self.received_at),
            **({"depth": depth} if isinstance(depth, int) else {}),
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event at one trigger."""

    workflow_id: str
    node_id: str
    outcome: Outcome
    execution_id: str | None = None
    reason: str | None = None

    @property
    def document(self) -> JsonObject:
        """As it is shown."""
        return {
            "workflow_id": self.workflow_id,
            "node_id": self.node_id,
            "outcome": self.outcome.value,
            "execution_id": self.execution_id,
            "reason": self.reason,
        }


class DeliveredError(ConflictError):
    """The event has started this workflow before."""


def store(connection: Connection, event: Event) -> Event:
    """Store an event as pending; one of the same source and id within 24 hours is given instead, as known."""
    text = f"{event.attributes['source']}\n{event.attributes['id']}"
    key = text if len(text) <= _LONGEST_KEY else f"sha256:{sha256(text.encode()).hexdigest()}"
    try:
        keep_answer((event.tenant_id, "event", key), b"", {"event": event.id}, event.received_at)(connection)
    except KeyTakenError as taken:
        return replace(event, id=str(taken.answer["event"]), known=True)
    row = {
        "tenant_id": event.tenant_id,
        "id": event.id,
        "source": event.attributes["source"],
        "event_id": event.attributes["id"],
        "type": event.attributes["type"],
        "attributes": dump(event.attributes),
        "payload": dump(event.data),
        "emitted_by": event.emitted_by,
        "outcome": Outcome.PENDING.value,
        "filtered": 0,
        "received_at": event.received_at,
    }
    connection.execute(_INSERT_EVENT, row)
    return event


async def deliver(context: Context, event: Event, done: _Change | None = None) -> JsonObject:
    """Start what waits for a stored event, unless that is done; gives what became of it, as it is shown.

    May be repeated, also at the same time: each trigger starts once. `done` is a change that goes with the end of
    the delivery. Raises `UnavailableError` when the database cannot commit; the event stays pending then.
    """
    before: list[Delivery] = []
    if event.known:
        ended = await _outcome(context, event)
        before = await _deliveries(context, event)
        if ended != Outcome.PENDING.value:
            if done is not None:
                await context.writer.transact(done)
            return _document(event, ended, before)
    known = {(one.workflow_id, one.node_id) for one in before}
    matches = context.events.match(event.tenant_id, str(event.attributes["type"]))
    wanted = [match for match in matches if (match.workflow_id, match.node_id) not in known]
    found = list(before)
    for start in range(0, len(wanted), _AT_ONCE):
        found += await asyncio.gather(*(_deliver_to(context, event, one) for one in wanted[start : start + _AT_ONCE]))
    outcome = _summary(found)
    await context.writer.transact(partial(_finish, event, found, outcome, done))
    return _document(event, outcome.value, [one for one in found if one.outcome is not Outcome.FILTERED])


async def _deliver_to(context: Context, event: Event, match: EventMatch) -> Delivery:
    def became(outcome: Outcome, execution_id: str | None = None, reason: str | None = None) -> Delivery:
        return Delivery(match.workflow_id, match.node_id, outcome, execution_id, reason)

    if context.tenants.disabled(event.tenant_id):
        return became(Outcome.REFUSED, reason="the tenant is disabled")
    trigger = event.trigger
    execution_id = context.new_id()
    try:
        if not passes(match.config, trigger, event.received_at):
            return became(Outcome.FILTERED)
        value = mapped(match.config, trigger, event.received_at)
        graph = await context.graphs.get(match.tenant_id, match.workflow_id)
        claim = partial(_claim, event.id, became(Outcome.STARTED, execution_id))
        start = Start(match.node_id, trigger, value, by=f"event {event.id}")
        await context.engine.start(graph, match.tenant_id, start, execution_id=execution_id, also=claim)
    except UnavailableError:
        raise
    except DeliveredError:
        # By the same event, sent twice at once: what that one started is this one's, too.
        return next(
            one for one in await _deliveries(context, event)
            if (one.workflow_id, one.node_id) == (match.workflow_id, match.node_id)
        )  # fmt: skip
    except (ExpressionError, NotFoundError) as error:
        return became(Outcome.FAILED, reason=str(error))
    except FlowrunError as error:
        return became(Outcome.REFUSED, reason=str(error))
    return became(Outcome.STARTED, execution_id)


def _claim(event_id: str, delivery: Delivery, connection: Connection) -> None:
    """In the execution's own transaction: raises `DeliveredError` when the event has started the workflow before."""
    table = t.event_deliveries
    key = (
        table.c.event_id == event_id,
        table.c.workflow_id == delivery.workflow_id,
        table.c.node_id == delivery.node_id,
    )
    if connection.scalar(select(table.c.outcome).where(*key)) is not None:
        raise DeliveredError
    connection.execute(_INSERT_DELIVERY, {"event_id": event_id, **delivery.document})


def _finish(
    event: Event, found: Sequence[Delivery], outcome: Outcome, done: _Change | None, connection: Connection
) -> None:
    table, deliveries = t.events, t.event_deliveries
    refused = [one for one in found if one.outcome in {Outcome.REFUSED, Outcome.FAILED}]
    for one in refused:
        key = (deliveries.c.workflow_id == one.workflow_id, deliveries.c.node_id == one.node_id)
        connection.execute(delete(deliveries).where(deliveries.c.event_id == event.id, *key))
        connection.execute(_INSERT_DELIVERY, {"event_id": event.id, **one.document})
    filtered = sum(one.outcome is Outcome.FILTERED for one in found)
    values: dict[str, object] = {"outcome": outcome.value, "filtered": filtered}
    if outcome is Outcome.STARTED:
        values["payload"] = None  # The executions hold it.
    mine = (table.c.tenant_id == event.tenant_id, table.c.id == event.id)
    connection.execute(update(table).where(*mine, table.c.outcome == Outcome.PENDING.value).values(values))
    if done is not None:
        done(connection)


def _summary(found: Sequence[Delivery]) -> Outcome:
    outcomes = {one.outcome for one in found}
    for outcome in (Outcome.STARTED, Outcome.FAILED, Outcome.REFUSED, Outcome.FILTERED):
        if outcome in outcomes:
            return outcome
    return Outcome.UNMATCHED


async def _outcome(context: Context, event: Event) -> str | None:
    """What is stored of it; None when the event's row is gone and only its id is remembered."""
    table = t.events
    mine = (table.c.tenant_id == event.tenant_id, table.c.id == event.id)
    row = await context.reader.first(select(table.c.outcome).where(*mine))
    return None if row is None else row["outcome"]


async def _deliveries(context: Context, event: Event) -> list[Delivery]:
    table = t.event_deliveries
    rows = await context.reader.all(select(table).where(table.c.event_id == event.id))
    return [
        Delivery(row["workflow_id"], row["node_id"], Outcome(row["outcome"]), row["execution_id"], row["reason"])
        for row in rows
    ]


def _document(event: Event, outcome: str | None, deliveries: Sequence[Delivery]) -> JsonObject:
    return {
        "id": event.id,
        "event_id": event.attributes["id"],
        "source": event.attributes["source"],
        "type": event.attributes["type"],
        "duplicate": event.known,
        "outcome": outcome,
        "executions": [one.execution_id for one in deliveries if one.execution_id is not None],
        "deliveries": [one.document for one in deliveries],
    }


async def pending(context: Context) -> list[Event]:
    """The events that were sent to the API and whose delivery broke off, the oldest first."""
    table = t.events
    query = select(table).where(table.c.outcome == Outcome.PENDING.value, table.c.emitted_by.is_(None))
    return [
        Event(
            row["id"],
            row["tenant_id"],
            load(row["attributes"]),
            load(row["payload"]),
            row["received_at"],
            known=True,
        )
        for row in await context.reader.all(query.order_by(table.c.id))
    ]
