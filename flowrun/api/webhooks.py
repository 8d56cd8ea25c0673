"""The door for webhooks: reads the request, lets executions start, answers as the webhook says."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowrun.api.body import check_encoding, is_json, media_type, parse_json, read_body
from flowrun.api.problems import problem, problem_of
from flowrun.api.replies import JsonReply, execution_url
from flowrun.api.sent_response import sent_response
from flowrun.bus import SYSTEM, Mediator
from flowrun.commands.receive_webhook import Deliveries, Delivery, ReceiveWebhook, execution_ids
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import InvalidInputError, Issue, MalformedError, NotFoundError
from flowrun.ports import Context, Ending

_PREFIX = len("/webhooks/")
_MOST_FIELDS = 10_000


class WebhookDoor:
    """`ANY /webhooks/{tenant}/{path}`, as an ASGI application."""

    def __init__(self, mediator: Mediator, context: Context, max_body_bytes: int) -> None:
        self._mediator = mediator
        self._context = context
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            reply = await self._reply(scope, receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            reply = problem_of(error)
        if scope["method"] == "HEAD":
            reply.body = b""
        await reply(scope, receive, send)

    async def _reply(self, scope: Scope, receive: Receive) -> Response:
        tenant_id, _, path = _address(scope).partition("/")
        headers = _headers(scope)
        # An address that nobody listens on must not cost the reading of a body.
        matches = self._context.routes.match(tenant_id, scope["method"], path)
        if not matches:
            if not self._context.routes.methods(tenant_id, path):
                raise NotFoundError("No webhook listens there")
            raw = b""
        else:
            raw = await read_body(receive, limit=self._max_body_bytes)
        message = ReceiveWebhook(
            tenant_id=tenant_id,
            matches=matches,
            method=scope["method"],
            path=path,
            headers=headers,
            query=_fields(scope["query_string"], "query"),
            body=payload(raw, headers) if raw else None,
            received_at=self._context.clock.now(),
        )
        deliveries = await self._mediator.send(message, SYSTEM)
        if deliveries.synchronous is not None:
            return await self._awaited(deliveries.synchronous, deliveries)
        return _accepted(tenant_id, deliveries)

    async def _awaited(self, delivery: Delivery, deliveries: Deliveries) -> Response:
        config, execution_id = delivery.match.config, str(delivery.execution_id)
        mode, timeout = config.get("response_mode"), config.get("sync_timeout")
        ending = await self._context.engine.ending(
            execution_id,
            response=mode == "response_node",
            timeout=float(timeout) if isinstance(timeout, (int, float)) else 30.0,
        )
        if ending is None:
            return _accepted(delivery.match.tenant_id, deliveries)
        if mode == "response_node":
            return _answered(ending)
        return _ended(ending)


def _address(scope: Scope) -> str:
    """Tenant and path as they were sent: decoding comes after splitting, so that `%2F` divides nothing."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")[_PREFIX:]


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by name in lower case; of one that is sent several times, the values joined."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def payload(raw: bytes, headers: Mapping[str, str]) -> JsonValue:
    """The body as JSON: JSON and forms as what they hold, text as a string, anything else as `{"base64": …}`.

    Raises `MalformedError`, `InvalidInputError`, `UnsupportedMediaTypeError` for a compressed one.
    """
    check_encoding(headers)
    kind = media_type(headers)
    if is_json(kind) or not kind:
        return _maybe_json(raw) if not kind else parse_json(raw)
    if kind == "application/x-www-form-urlencoded":
        return _fields(raw, "form")
    if kind.startswith("text/") or kind == "application/xml":
        text = _text(raw)
        if text is not None:
            return text
    return {"base64": base64.b64encode(raw).decode()}


def _maybe_json(raw: bytes) -> JsonValue:
    """A body of unknown type: JSON if it is, else text, else bytes."""
    try:
        return parse_json(raw)
    except MalformedError:
        text = _text(raw)
        return text if text is not None else {"base64": base64.b64encode(raw).decode()}


def _text(raw: bytes) -> str | None:
    """The text of UTF-8 bytes; None for others, and for what databases refuse in a text."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _fields(raw: bytes, noun: str) -> JsonObject:
    """Names and values; a name that is given several times has a list."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        message = f"has more than {_MOST_FIELDS:,} fields"
        raise InvalidInputError(f"The {noun} {message}", [Issue(noun, message)]) from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise MalformedError(f"The {noun} has the character U+0000")
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _accepted(tenant_id: str, deliveries: Deliveries) -> Response:
    """202 with what was started; 200 when every webhook's filter let the request pass by."""
    ids = execution_ids(deliveries.all)
    document = {
        "execution_ids": ids,
        "executions": [
            {
                "execution_id": delivery.execution_id,
                "status_url": execution_url(tenant_id, delivery.execution_id),
                "outcome": delivery.outcome.value,
            }
            for delivery in deliveries.all
            if delivery.execution_id is not None
        ],
    }
    return JsonReply(document, 202 if ids else 200)


def _answered(ending: Ending) -> Response:
    if ending.response is not None:
        return sent_response(ending.response)
    if ending.status in {ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.CANCELLED}:
        return _failed(ending)
    return problem(
        "no-response", 500, "The workflow ended without sending a response.", execution_id=ending.execution_id
    )


def _ended(ending: Ending) -> Response:
    if ending.status is ExecutionStatus.COMPLETED:
        return JsonReply(ending.output)
    return _failed(ending)


def _failed(ending: Ending) -> Response:
    """What went wrong is for the workflow's owner: the caller gets the id to ask with."""
    words = ending.status.value.replace("_", " ")
    return problem("execution-failed", 500, f"The execution ended as {words}.", execution_id=ending.execution_id)
