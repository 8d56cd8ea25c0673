"""The ASGI application: Starlette over the route table, with the webhooks in front of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowrun.api.auth import Authenticator
from flowrun.api.body import MAX_BYTES, json_object, read_body
from flowrun.api.operation import Call, Operation, idempotency_key, read_fields, read_query
from flowrun.api.problems import problem_of
from flowrun.api.routes import OPERATIONS, WEBHOOKS
from flowrun.api.webhook_throttle import WebhookThrottle
from flowrun.api.webhooks import WebhookDoor
from flowrun.bus import Mediator, Principal
from flowrun.config import Settings
from flowrun.domain.json import JsonObject
from flowrun.errors import FlowrunError
from flowrun.ports import Context

ANYONE = Principal("anyone", "", frozenset())
"""Who asks a public operation."""
_RequestHandler = Callable[[Request], Awaitable[Response]]


def create_app(
    mediator: Mediator,
    context: Context,
    settings: Settings | None = None,
    *,
    operations: Iterable[Operation] = OPERATIONS,
) -> ASGIApp:
    """The whole HTTP side. `scope["state"]["flowrun_local"]` True lets a request be the operator's."""
    max_body_bytes = MAX_BYTES if settings is None else settings.max_body_bytes
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    authenticator = Authenticator(mediator, context.clock)
    door = _ApiDoor(mediator, context, authenticator, max_body_bytes)
    routes = [Route(path, door.endpoint(methods), methods=list(methods)) for path, methods in by_path.items()]
    # The handler of Exception is Starlette's outermost layer: nothing reaches the server as a bare text.
    handlers: Mapping[Any, Any] = dict.fromkeys((FlowrunError, HTTPException, Exception), _answer_error)
    api = Starlette(routes=routes, exception_handlers=handlers)
    # Its redirects would be built from whatever `Host` the client sent.
    api.router.redirect_slashes = False
    api.state.authenticator = authenticator
    throttle = WebhookThrottle() if settings is None else WebhookThrottle(settings.webhook_rate)
    return Front(api, WebhookDoor(mediator, context, max_body_bytes, throttle), context.new_id)


async def _answer_error(_request: Request, error: Exception) -> Response:
    return problem_of(error)


class _ApiDoor:
    """What every operation of the table goes through: who asks, what is asked, in which form."""

    def __init__(self, mediator: Mediator, context: Context, authenticator: Authenticator, max_body_bytes: int) -> None:
        self._mediator = mediator
        self._context = context
        self._authenticator = authenticator
        self._max_body_bytes = max_body_bytes

    def endpoint(self, operations: Mapping[str, Operation]) -> _RequestHandler:
        """The operations of one path as one endpoint."""

        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            operation = operations[method]
            return await operation.endpoint(await self._read(request, operation))

        return endpoint

    async def _read(self, request: Request, operation: Operation) -> Call:
        # Who isn't let in learns nothing of what is valid.
        principal = ANYONE if operation.public else await self._authenticator.principal(request.scope)
        now = self._context.clock.now()
        query = {} if operation.any_query else read_query(request, operation.query, now)
        raw, fields = b"", {}
        document: JsonObject = {}
        if operation.method in {"POST", "PUT", "PATCH"}:
            raw = await read_body(request.receive, limit=self._max_body_bytes)
        if operation.body is not None:
            document = json_object(raw, request.headers)
            fields = read_fields(document, operation.body, now)
        return Call(
            request=request,
            context=self._context,
            mediator=self._mediator,
            principal=principal,
            query=query,
            body=fields,
            sent=document,
            raw=raw,
            idempotency_key=idempotency_key(request),
        )


class Front:
    """Sends each request where it belongs: webhooks by the shortest way, the rest to Starlette."""

    def __init__(self, api: ASGIApp, webhooks: ASGIApp, new_id: Callable[[], str]) -> None:
        self._api = api
        self._webhooks = webhooks
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            if scope["path"].startswith(WEBHOOKS):
                await self._webhooks(scope, receive, send)
            else:
                await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._new_id().encode()
        begun = False

        async def named(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._api(scope, receive, named)
        except Exception as error:  # noqa: BLE001 - Starlette raises again what it has answered and logged
            if not begun:
                await problem_of(error)(scope, receive, named)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing to do: what the API needs is started before it, and stopped after it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
