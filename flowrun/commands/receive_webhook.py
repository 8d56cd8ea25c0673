"""Starts every workflow that listens where a webhook was delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import Connection, insert

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.idempotency import KeyTakenError, keep_answer
from flowrun.commands.json_text import dump
from flowrun.domain.expression import ExpressionError, as_expression, compile_expression, compile_template
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context, RouteMatch

REDACTED = "[redacted]"
_SECRET_HEADERS = frozenset(
    {
        "authorization", "cookie", "proxy-authorization", "x-api-key", "webhook-signature", "svix-signature",
        "x-hub-signature", "x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-signature",
        "x-twilio-signature", "x-telegram-bot-api-secret-token", "x-gitlab-token", "x-flowrun-signature",
    }
)  # fmt: skip
_KEY_HEADERS = ("idempotency-key", "webhook-id")
_LONGEST_KEY = 255


class Outcome(StrEnum):
    """What became of a delivery at one webhook."""

    STARTED = "started"
    FILTERED = "filtered"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    """Its filter, mapping or key could not be evaluated, or its workflow is gone."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a request at one webhook. `execution_id` of a duplicate is the original's."""

    match: RouteMatch
    outcome: Outcome
    execution_id: str | None = None


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
    """What `context.routes` found for the address."""
    method: str
    path: str
    """What follows the tenant, percent-encoded as it was sent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: JsonObject = field(default_factory=dict)
    body: JsonValue = None
    received_at: int


async def handle(message: ReceiveWebhook, context: Context, _principal: Principal) -> Deliveries:
    """Start what listens there; every execution is committed when this returns.

    Raises `NotFoundError` when nothing listens, `MethodNotAllowedError`, and `DeliveryFailedError` when nothing
    could be made of the request at any webhook.
    """
    if not message.matches:
        _refuse(message, context)
    base: JsonObject = {
        "type": "webhook",
        "body": message.body,
        "headers": _kept_headers(message.headers),
        "query": message.query,
        "method": message.method,
        "received_at": rfc3339(message.received_at),
    }
    deliveries = Deliveries([])
    synchronous = None
    for match in message.matches:
        is_first = synchronous is None and match.config.get("response_mode", "immediate") != "immediate"
        delivery = await _deliver(message, context, match, {**base, "path": {**match.path_params}}, notify=is_first)
        deliveries.all.append(delivery)
        if is_first and delivery.execution_id is not None:
            synchronous = delivery
    if all(delivery.outcome is Outcome.FAILED for delivery in deliveries.all):
        raise DeliveryFailedError
    return Deliveries(deliveries.all, synchronous) if synchronous else deliveries


def _refuse(message: ReceiveWebhook, context: Context) -> None:
    allowed = context.routes.methods(message.tenant_id, message.path)
    if allowed:
        raise MethodNotAllowedError(allowed)
    raise NotFoundError("No webhook listens there")


def _kept_headers(headers: Mapping[str, str]) -> JsonObject:
    """The headers without secrets: what is stored can be read for ever."""
    kept: JsonObject = dict(headers)
    for name in _SECRET_HEADERS & headers.keys():
        kept[name] = REDACTED
    return kept


async def _deliver(
    message: ReceiveWebhook, context: Context, match: RouteMatch, trigger: JsonObject, *, notify: bool
) -> Delivery:
    config = match.config
    try:
        value: JsonValue = None
        if config.get("filter") or config.get("map"):
            if not _passes(config, trigger, message.received_at):
                await _note(message, context, match, Outcome.FILTERED, trigger)
                return Delivery(match, Outcome.FILTERED)
            value = _mapped(config, trigger, message.received_at)
        key = _idempotency_key(config, trigger, message)
        graph = await context.graphs.get(match.tenant_id, match.workflow_id)
    except (ExpressionError, NotFoundError):
        await _note(message, context, match, Outcome.FAILED, trigger)
        return Delivery(match, Outcome.FAILED)
    start = Start(match.node_id, trigger, value)
    if key is None:
        # No row in webhook_events: the execution's first event holds everything, in one statement less.
        execution_id = await context.engine.start(graph, match.tenant_id, start, notify=notify)
        return Delivery(match, Outcome.STARTED, execution_id)
    execution_id = context.new_id()
    also = partial(_keep_key, message, match, key, execution_id, context.new_id)
    try:
        await context.engine.start(graph, match.tenant_id, start, execution_id=execution_id, also=also, notify=notify)
    except KeyTakenError as error:
        original = str(error.answer["execution_id"])
        await _note(message, context, match, Outcome.DUPLICATE, None, execution_id=original, key=key)
        return Delivery(match, Outcome.DUPLICATE, original)
    return Delivery(match, Outcome.STARTED, execution_id)


def _passes(config: JsonObject, trigger: JsonObject, now: int) -> bool:
    source = config.get("filter")
    if not isinstance(source, str) or not source:
        return True
    return bool(compile_expression(as_expression(source)).evaluate({"trigger": trigger}, now=now))


def _mapped(config: JsonObject, trigger: JsonObject, now: int) -> JsonValue:
    template = config.get("map")
    return compile_template(template).evaluate({"trigger": trigger}, now=now) if template else None


def _idempotency_key(config: JsonObject, trigger: JsonObject, message: ReceiveWebhook) -> str | None:
    """The sender's explicit key, else what the configured expression gives; never a hash of the body."""
    for name in _KEY_HEADERS:
        sent = message.headers.get(name)
        if sent:
            return _bounded(sent)
    source = config.get("idempotency_key")
    if not isinstance(source, str) or not source:
        return None
    value = compile_expression(as_expression(source)).evaluate({"trigger": trigger}, now=message.received_at)
    if value is None or value == "":
        return None
    return _bounded(value if isinstance(value, str) else dump(value))


def _bounded(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else f"sha256:{sha256(key.encode()).hexdigest()}"


def _keep_key(
    message: ReceiveWebhook,
    match: RouteMatch,
    key: str,
    execution_id: str,
    new_id: Callable[[], str],
    connection: Connection,
) -> None:
    """In the execution's own transaction: raises `KeyTakenError` when the key has started one already."""
    scoped = (match.tenant_id, f"webhook:{match.webhook_id}", key)
    keep_answer(scoped, b"", {"execution_id": execution_id}, message.received_at)(connection)
    values = _event_row(message, match, Outcome.STARTED, None, execution_id, key)
    connection.execute(insert(t.webhook_events).values(id=new_id(), **values))


async def _note(
    message: ReceiveWebhook,
    context: Context,
    match: RouteMatch,
    outcome: Outcome,
    trigger: JsonObject | None,
    execution_id: str | None = None,
    key: str | None = None,
) -> None:
    """Keep a delivery that started nothing, so that one can ask why."""
    values = _event_row(message, match, outcome, trigger, execution_id, key)
    statement = insert(t.webhook_events).values(id=context.new_id(), **values)

    def change(connection: Connection) -> None:
        connection.execute(statement)

    await context.writer.transact(change)


def _event_row(
    message: ReceiveWebhook,
    match: RouteMatch,
    outcome: Outcome,
    trigger: JsonObject | None,
    execution_id: str | None,
    key: str | None,
) -> Mapping[str, object]:
    return {
        "tenant_id": match.tenant_id,
        "webhook_id": match.webhook_id,
        "event_type": "request",
        "dedupe_key": key,
        "outcome": outcome.value,
        "execution_id": execution_id,
        "payload": None if trigger is None else dump(trigger),
        "received_at": message.received_at,
    }


def execution_ids(deliveries: Sequence[Delivery]) -> list[str]:
    """The executions that answer for the deliveries, each once."""
    return list(dict.fromkeys(d.execution_id for d in deliveries if d.execution_id is not None))
