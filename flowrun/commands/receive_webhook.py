"""Starts every workflow that listens where a webhook was delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from flowrun.triggers.providers import event_of, provider_of


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a request at one webhook. `execution_id` of a duplicate is the original's."""

    match: RouteMatch
    outcome: Outcome
    execution_id: str | None = None
    error: FlowrunError | None = None
    """Why it failed, when that is for the sender to know."""


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

    Raises `NotFoundError` when nothing listens, `MethodNotAllowedError`, and `DeliveryFailedError` or what a limit
    says when nothing could be made of the request at any webhook.
    """
    if not message.matches:
        _refuse(message, context)
    base: JsonObject = {
        "type": "webhook",
        "body": message.body,
        "headers": kept_headers(message.headers, message.secret_headers),
        "query": message.query,
        "method": message.method,
        "received_at": rfc3339(message.received_at),
    }
    deliveries = Deliveries([])
    synchronous = None
    for match in message.matches:
        is_first = synchronous is None and match.config.get("response_mode", "immediate") != "immediate"
        provider = provider_of(match.config, message.body, message.headers)
        event, provider_key = event_of(provider, message.body, message.headers)
        trigger: JsonObject = {**base, "path": {**match.path_params}, "event": event}
        arrival = _Arrival(match, trigger, event_type_of(trigger), message.received_at, is_first)
        delivery = await _deliver(message, context, arrival, provider_key)
        deliveries.all.append(delivery)
        if is_first and delivery.execution_id is not None:
            synchronous = delivery
    if all(delivery.outcome is Outcome.FAILED for delivery in deliveries.all):
        raise next((one.error for one in deliveries.all if one.error is not None), DeliveryFailedError())
    return Deliveries(deliveries.all, synchronous) if synchronous else deliveries


def _refuse(message: ReceiveWebhook, context: Context) -> None:
    allowed = context.routes.methods(message.tenant_id, message.path)
    if allowed:
        raise MethodNotAllowedError(allowed)
    raise NotFoundError("No webhook listens there")


@dataclass(slots=True)
class _Arrival:
    """The request at one webhook."""

    match: RouteMatch
    trigger: JsonObject
    event_type: str
    at: int
    notify: bool

    def entry(self, outcome: Outcome, reason: str | None = None, *, kept: bool = False) -> LogEntry:
        """The line of the log; with `kept` the trigger stands in it, as no execution has it."""
        return LogEntry(self.match, outcome, self.at, self.event_type, reason, trigger=self.trigger if kept else None)


async def _deliver(message: ReceiveWebhook, context: Context, arrival: _Arrival, provider_key: str | None) -> Delivery:
    match, trigger, now = arrival.match, arrival.trigger, arrival.at
    try:
        found = await prepared(context, match, trigger, now)
        if found is None:
            await log(context, [arrival.entry(Outcome.FILTERED, kept=True)])
            return Delivery(match, Outcome.FILTERED)
        key = idempotency_key(match.config, trigger, message.headers, provider_key, now)
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
        return Delivery(match, Outcome.DUPLICATE, entry.execution_id)
    except UnavailableError:
        raise
    except FlowrunError as error:
        await log(context, [arrival.entry(Outcome.FAILED, str(error), kept=True)])
        return Delivery(match, Outcome.FAILED, error=error)
    return Delivery(match, Outcome.STARTED, execution_id)


def execution_ids(deliveries: Sequence[Delivery]) -> list[str]:
    """The executions that answer for the deliveries, each once."""
    return list(dict.fromkeys(d.execution_id for d in deliveries if d.execution_id is not None))
