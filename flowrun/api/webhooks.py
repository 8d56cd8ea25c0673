"""The door for webhooks: reads the request, finds out who believes it, lets executions start, answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from flowrun.api.body import read_body
from flowrun.api.problems import problem_of
from flowrun.api.webhook_body import form_fields, payload
from flowrun.api.webhook_replies import accepted, answered, ended
from flowrun.api.webhook_throttle import WebhookThrottle
from flowrun.bus import SYSTEM, Mediator
from flowrun.commands.receive_webhook import Deliveries, Delivery, ReceiveWebhook
from flowrun.commands.record_refusals import RecordRefusals
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError, NotFoundError, UnauthenticatedError
from flowrun.ports import Context, RouteMatch
from flowrun.triggers.authenticity import NONE, answer_subscription, judge, needs_proof
from flowrun.triggers.channels import CHANNEL, with_channels
from flowrun.triggers.headers import kept_headers
from flowrun.triggers.providers import event_of, provider_of
from flowrun.triggers.verification import SignedRequest, credential_headers, meta, recognised, slack

_PREFIX = len("/webhooks/")
_NONE_MORE = frozenset[str]()
_Parsed = TypeVar("_Parsed")


@dataclass(slots=True)
class _Request:
    """A request on its way in."""

    tenant_id: str
    method: str
    path: str
    headers: dict[str, str]
    query_string: bytes
    received_at: int
    """Milliseconds since the epoch."""
    query: JsonObject = field(default_factory=dict)
    raw: bytes = b""


class WebhookDoor:
    """`ANY /webhooks/{tenant}/{path}`, as an ASGI application."""

    def __init__(
        self, mediator: Mediator, context: Context, max_body_bytes: int, throttle: WebhookThrottle | None = None
    ) -> None:
        self._mediator = mediator
        self._context = context
        self._max_body_bytes = max_body_bytes
        self._throttle = throttle or WebhookThrottle()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            reply = await self._reply(scope, receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            reply = problem_of(error)
        if scope["method"] == "HEAD":
            reply.body = b""
        await reply(scope, receive, send)

    async def _reply(self, scope: AsgiScope, receive: Receive) -> Response:
        tenant_id, _, path = _address(scope).partition("/")
        method, routes = scope["method"], self._context.routes
        # An address that nobody listens on must not cost the reading of anything.
        matches = routes.match(tenant_id, method, path)
        is_heard = self._context.listeners.waits(tenant_id, method, path)
        if self._context.tenants.disabled(tenant_id):
            raise NotFoundError("No webhook listens there")
        if not matches and not is_heard and not routes.methods(tenant_id, path):
            raise NotFoundError("No webhook listens there")
        now = self._context.clock.now()
        request = _Request(tenant_id, method, path, _headers(scope), scope["query_string"], now)
        if meta.is_handshake(method, request.query_string):
            challenge = await self._subscription(request)
            if challenge is not None:
                return _challenge(challenge)
        if matches or is_heard:
            # Only who has proven to be the sender counts against a webhook's own rate: nobody else is to use it up.
            counted = () if needs_proof(matches) else matches
            await self._admit(request, matches, tenant_id=tenant_id, webhooks=counted)
            matches = await with_channels(matches, self._context.inbound)
            request.query = await self._parsed(request, matches, _query)
            request.raw = await self._read(request, matches, receive)
        if is_heard:
            self._context.listeners.show(tenant_id, method, path, _shown(request, matches))
            if not matches:
                return accepted(tenant_id, Deliveries([]))
        return await self._start(request, matches)

    async def _start(self, request: _Request, matches: Sequence[RouteMatch]) -> Response:
        secret_headers = _NONE_MORE
        if needs_proof(matches):
            secret_headers = _credentials(matches)
            matches = await self._proven(request, matches)
            await self._admit(request, matches, webhooks=matches)
        body = await self._parsed(request, matches, _payload)
        challenge = slack.challenge(body) if any(_scheme(match) == "slack" for match in matches) else None
        if challenge is not None:
            return _challenge(challenge)
        message = ReceiveWebhook(
            tenant_id=request.tenant_id,
            matches=matches,
            method=request.method,
            path=request.path,
            headers=request.headers,
            secret_headers=secret_headers,
            query=request.query,
            body=body,
            received_at=request.received_at,
        )
        deliveries = await self._mediator.send(message, SYSTEM)
        if deliveries.synchronous is not None:
            return await self._awaited(deliveries.synchronous, deliveries)
        return accepted(request.tenant_id, deliveries)

    async def _awaited(self, delivery: Delivery, deliveries: Deliveries) -> Response:
        config, execution_id = delivery.match.config, str(delivery.execution_id)
        mode, timeout = config.get("response_mode"), config.get("sync_timeout")
        try:
            ending = await self._context.engine.ending(
                execution_id,
                response=mode == "response_node",
                timeout=float(timeout) if isinstance(timeout, (int, float)) else 30.0,
            )
        except NotFoundError:  # The original of a duplicate: it has been deleted for its age.
            ending = None
        if ending is None:
            return accepted(delivery.match.tenant_id, deliveries)
        return answered(ending) if mode == "response_node" else ended(ending)

    # --- what keeps a request out

    async def _admit(
        self,
        request: _Request,
        matches: Sequence[RouteMatch],
        *,
        tenant_id: str | None = None,
        webhooks: Sequence[RouteMatch] = (),
    ) -> None:
        """Raise `TooManyRequestsError` when a bucket is empty; the log tells of it once in a while."""
        now = request.received_at / 1000
        error = self._throttle.admit(now, tenant_id=tenant_id, webhooks=webhooks)
        if error is not None:
            await self._record(request, self._throttle.to_be_noted(matches, now))
            raise error

    async def _read(self, request: _Request, matches: Sequence[RouteMatch], receive: Receive) -> bytes:
        try:
            return await read_body(receive, limit=self._max_body_bytes)
        except FlowrunError as error:
            await self._record(request, [(match, str(error)) for match in matches])
            raise

    async def _parsed(
        self, request: _Request, matches: Sequence[RouteMatch], parse: Callable[[_Request], _Parsed]
    ) -> _Parsed:
        try:
            return parse(request)
        except FlowrunError as error:
            await self._record(request, [(match, str(error)) for match in matches])
            raise

    async def _proven(self, request: _Request, matches: Sequence[RouteMatch]) -> Sequence[RouteMatch]:
        """The webhooks that believe the sender. Raises `UnauthenticatedError`, always the same, when none does."""
        signed = SignedRequest(request.raw, request.headers, request.query, request.received_at // 1000)
        verdict = await judge(matches, signed, self._context.secrets)
        await self._record(request, verdict.refused)
        if not verdict.accepted:
            raise _refusal()
        return verdict.accepted

    async def _subscription(self, request: _Request) -> str | None:
        """The answer to Meta's handshake; None when no webhook for Meta listens there."""
        posted = self._context.routes.match(request.tenant_id, "POST", request.path)
        matches: Sequence[RouteMatch] = [match for match in posted if _scheme(match) in {"meta", CHANNEL}]
        if not matches:
            return None
        await self._admit(request, matches, tenant_id=request.tenant_id)
        found = await with_channels(matches, self._context.inbound)
        matches = [match for match in found if _scheme(match) == "meta"]
        if not matches:
            return None
        request.query = await self._parsed(request, matches, _query)
        challenge, refused = await answer_subscription(matches, request.query, self._context.secrets)
        await self._record(request, refused)
        if challenge is None:
            raise _refusal()
        return challenge

    async def _record(self, request: _Request, refusals: Sequence[tuple[RouteMatch, str]]) -> None:
        if refusals:
            message = RecordRefusals(tenant_id=request.tenant_id, refusals=refusals, received_at=request.received_at)
            await self._mediator.send(message, SYSTEM)


def _address(scope: AsgiScope) -> str:
    """Tenant and path as they were sent: decoding comes after splitting, so that `%2F` divides nothing."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")[_PREFIX:]


def _headers(scope: AsgiScope) -> dict[str, str]:
    """The headers by name in lower case; of one that is sent several times, the values joined."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _query(request: _Request) -> JsonObject:
    return form_fields(request.query_string, "query")


def _payload(request: _Request) -> JsonValue:
    return payload(request.raw, request.headers) if request.raw else None


def _scheme(match: RouteMatch) -> str:
    auth = match.config.get("auth")
    return str(auth.get("type")) if isinstance(auth, dict) else NONE


def _refusal() -> UnauthenticatedError:
    return UnauthenticatedError("This webhook doesn't accept the request: who sent it is not proven.")


def _challenge(text: str) -> Response:
    return PlainTextResponse(text, headers={"x-content-type-options": "nosniff"})


def _credentials(matches: Sequence[RouteMatch]) -> frozenset[str]:
    return _NONE_MORE.union(*(credential_headers(match.config.get("auth")) for match in matches))


def _shown(request: _Request, matches: Sequence[RouteMatch]) -> JsonObject:
    """A request for a test listener: as it came, who it says it is from, and nothing checked.

    What proves to a published webhook who sends is a secret, and isn't shown.
    """
    body: JsonValue = None
    problem: str | None = None
    try:
        body = _payload(request)
    except FlowrunError as error:
        problem = str(error)
    headers = dict(request.headers)
    event, key = event_of(provider_of({}, body, headers), body, headers)
    return {
        "method": request.method,
        "path": request.path,
        "headers": kept_headers(headers, _credentials(matches)) if needs_proof(matches) else {**headers},
        "query": request.query,
        "body": body,
        "problem": problem,
        "event": event,
        "idempotency_key": key,
        "signed_for": [*recognised(headers)],
        "received_at": rfc3339(request.received_at),
    }
