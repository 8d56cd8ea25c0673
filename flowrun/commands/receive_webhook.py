"""Starts every workflow that listens where a webhook was delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.delivery_log import TABLE, LogEntry, Outcome, log
from flowrun.commands.idempotency import KeyTakenError, keep_answer
from flowrun.commands.webhook_trigger import event_type_of, idempotency_key, prepared
from flowrun.domain.expression import ExpressionError
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError, NotFoundError, UnavailableError
from flowrun.ports import Context, RouteMatch
from flowrun.triggers.headers import kept_headers
from flowrun.triggers.providers import event_of, parts_of, provider_of


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a request, or one message of it, at a webhook. `execution_id` of a duplicate is the original's."""

    match: RouteMatch
    outcome: Outcome
    execution_id: str | None = None
    error: FlowrunError | None = None
    """Why it failed, when that is for the sender to know."""
    key: str | None = None
    """What it is known by when it is sent again."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of a request."""

    all: list[Delivery]
    synchronous: Delivery | None = None
    """The one whose caller waits for the result; a duplicate's is the original's."""


class MethodNotAllowedError(FlowrunError):
    """This webhook doesn't take that method."""

    code = "method-not-allowed"

    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__()
        self.allowed = allowed


class DeliveryFailedError(FlowrunError):
    """The webhook could not take this request: its filter, mapping or idempotency key cannot be evaluated."""

    code = "delivery-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveWebhook(Command[Deliveries]):
    """A request has come in. The keys of `headers` are in lower case, `received_at` is ms since the epoch."""

    scope: ClassVar[Scope] = Scope.RUN
    replayable: ClassVar[bool] = False
    tenant_id: str
    matches: Sequence[RouteMatch]
    """What `context.routes` found for the address, and what believes the sender."""
    method: str
    path: str
    """What follows the tenant, percent-encoded as it was sent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: frozenset[str] = frozenset()
    """Those that are not stored, beside the usual ones."""
    query: JsonObject = field(default_factory=dict)
    body: JsonValue = None
    received_at: int


async def handle(message: ReceiveWebhook, context: Context, _principal: Principal) -> Deliveries:
    """Start what listens there; every execution is committed when this returns.

    Of several messages in one request each starts its own execution, one after the other. What is missing when the
    service dies meanwhile starts when the request is sent again, as the sender was told nothing.

    Raises `NotFoundError` when nothing listens, `MethodNotAllowedError`, and `DeliveryFailedError` or what a limit
    says when nothing could be made of the request at any webhook, or not of all messages in it.
    """
    if not message.matches:
        _refuse(message, context)
    deliveries: list[Delivery] = []
    synchronous = None
    is_partial = False
    for match in message.matches:
        is_waited_for = match.config.get("response_mode", "immediate") != "immediate"
        here: list[Delivery] = []
        for arrival in _arrivals(message, match):
            arrival.notify = is_waited_for and synchronous is None
            delivery = await _deliver(message, context, arrival)
            here.append(delivery)
            if arrival.notify and delivery.execution_id is not None:
                synchronous = delivery
        deliveries += here
        is_partial |= len(here) > 1 and any(one.error is not None for one in here)
    failed = [one for one in deliveries if one.outcome is Outcome.FAILED]
    if len(failed) == len(deliveries) or (is_partial and _is_repeatable(deliveries)):
        raise next((one.error for one in failed if one.error is not None), DeliveryFailedError())
    return Deliveries(deliveries, synchronous)


def _is_repeatable(deliveries: Sequence[Delivery]) -> bool:
    """Whether all that has started is known again, so that the sender may well be asked to try again."""
    return all(one.key is not None for one in deliveries if one.execution_id is not None)


def _refuse(message: ReceiveWebhook, context: Context) -> None:
    allowed = context.routes.methods(message.tenant_id, message.path)
    if allowed:
        raise MethodNotAllowedError(allowed)
    raise NotFoundError("No webhook listens there")


@dataclass(slots=True)
class _Arrival:
    """The request, or one message in it, at one webhook."""

    match: RouteMatch
    trigger: JsonObject
    event_type: str
    at: int
    provider_key: str | None
    part: int | None
    """Its place in the request; None when there is nothing else in it."""
    notify: bool = False

    def entry(self, outcome: Outcome, reason: str | None = None, *, kept: bool = False) -> LogEntry:
        """The line of the log; with `kept` the trigger stands in it, as no execution has it."""
        return LogEntry(self.match, outcome, self.at, self.event_type, reason, trigger=self.trigger if kept else None)


def _arrivals(message: ReceiveWebhook, match: RouteMatch) -> Iterator[_Arrival]:
    """Each message of the request by itself."""
    provider = provider_of(match.config, message.body, message.headers)
    bodies = parts_of(provider, message.body)
    for part, body in enumerate(bodies):
        event, provider_key = event_of(provider, body, message.headers)
        trigger: JsonObject = {
            "type": "webhook",
            "body": body,
            "headers": kept_headers(message.headers, message.secret_headers),
            "query": message.query,
            "method": message.method,
            "received_at": rfc3339(message.received_at),
            "path": {**match.path_params},
            "event": event,
        }
        place = part if len(bodies) > 1 else None
        yield _Arrival(match, trigger, event_type_of(trigger), message.received_at, provider_key, place)


async def _deliver(message: ReceiveWebhook, context: Context, arrival: _Arrival) -> Delivery:
    match, trigger, now = arrival.match, arrival.trigger, arrival.at
    try:
        found = await prepared(context, match, trigger, now)
        if found is None:
            await log(context, [arrival.entry(Outcome.FILTERED, kept=True)])
            return Delivery(match, Outcome.FILTERED)
        key = idempotency_key(match.config, trigger, message.headers, arrival.provider_key, now, part=arrival.part)
    except (ExpressionError, NotFoundError) as error:
        await log(context, [arrival.entry(Outcome.FAILED, str(error), kept=True)])
        return Delivery(match, Outcome.FAILED)
    return await _started(context, arrival, *found, key)


async def _started(context: Context, arrival: _Arrival, graph: Graph, start: Start, key: str | None) -> Delivery:
    """Start it; execution, line of the log and key are one commit."""
    match, execution_id = arrival.match, context.new_id()
    also = None
    if key is not None:
        scoped = (match.tenant_id, f"webhook:{match.webhook_id}", key)
        also = keep_answer(scoped, b"", {"execution_id": execution_id}, arrival.at)
    entry = arrival.entry(Outcome.STARTED)
    entry.execution_id, entry.key = execution_id, key
    rows = {TABLE: [entry.row(context.new_id())]}
    try:
        await context.engine.start(
            graph, match.tenant_id, start, execution_id=execution_id, also=also, rows=rows, notify=arrival.notify
        )
    except KeyTakenError as error:
        entry = arrival.entry(Outcome.DUPLICATE)
        entry.execution_id, entry.key = str(error.answer["execution_id"]), key
        await log(context, [entry])
        return Delivery(match, Outcome.DUPLICATE, entry.execution_id, key=key)
    except UnavailableError:
        raise
    except FlowrunError as error:
        await log(context, [arrival.entry(Outcome.FAILED, str(error), kept=True)])
        return Delivery(match, Outcome.FAILED, error=error)
    return Delivery(match, Outcome.STARTED, execution_id, key=key)


def execution_ids(deliveries: Sequence[Delivery]) -> list[str]:
    """The executions that answer for the deliveries, each once."""
    return list(dict.fromkeys(d.execution_id for d in deliveries if d.execution_id is not None))
