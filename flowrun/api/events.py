"""Events: take CloudEvents over HTTP, list what became of them."""

from __future__ import annotations

import base64

from starlette.responses import Response

from flowrun.api.body import check_encoding, is_json, media_type, parse_json
from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.problems import UnsupportedMediaTypeError
from flowrun.api.replies import JsonReply, page
from flowrun.commands.event_delivery import Outcome
from flowrun.commands.receive_events import ReceiveEvents
from flowrun.domain.json import JsonValue
from flowrun.errors import MalformedError
from flowrun.queries.list_events import ListEvents
from flowrun.triggers.cloud_events import PREFIX, CloudEvent, batch, binary, structured

_PATH = "/api/v1/tenants/{tenant}/events"
_STRUCTURED, _BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


async def receive(call: Call) -> Response:
    """Take one event or a batch."""
    events, is_batch = _events(call)
    message = ReceiveEvents(tenant_id=call.path("tenant"), events=events, idempotency_key=call.idempotency_key)
    answer = await call.send(message)
    items = answer["items"]
    return JsonReply(answer if is_batch or not isinstance(items, list) else items[0], 202)


async def listing(call: Call) -> Response:
    """List events."""
    query = ListEvents(
        tenant_id=call.path("tenant"),
        type=call.query["type"],
        outcome=call.query["outcome"],
        since=call.query["since"],
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


def _events(call: Call) -> tuple[list[CloudEvent], bool]:
    """The events of a request, and whether they came as a batch.

    Raises `UnsupportedMediaTypeError`, `MalformedError`, and `InvalidInputError` with everything that is wrong.
    """
    headers = dict(call.request.headers)
    check_encoding(headers)
    kind = media_type(headers)
    if kind == _BATCH:
        return batch(_json(call)), True
    if kind == _STRUCTURED:
        return [structured(_json(call))], False
    if kind.startswith("application/cloudevents"):
        raise UnsupportedMediaTypeError(f"The event format {kind!r} is not accepted; send {_STRUCTURED} or {_BATCH}")
    if any(name.startswith(PREFIX) for name in headers):
        return [binary(headers, headers.get("content-type", ""), _data(call, kind))], False
    if kind in {"", "application/json"}:
        return [structured(_json(call))], False
    raise UnsupportedMediaTypeError(f"There are no ce- headers, and {kind!r} is no event; send {_STRUCTURED}")


def _json(call: Call) -> JsonValue:
    if not call.raw:
        raise MalformedError("The body is empty; an event is a JSON object")
    return parse_json(call.raw)


def _data(call: Call, kind: str) -> JsonValue:
    """The data of an event in binary mode: JSON, text, or anything else as `{"base64": …}`."""
    if not call.raw:
        return None
    if is_json(kind):
        return parse_json(call.raw)
    if kind.startswith("text/"):
        try:
            return call.raw.decode().replace("\x00", "")
        except UnicodeDecodeError:
            raise MalformedError("The body is said to be text, and is no UTF-8") from None
    return {"base64": base64.b64encode(call.raw).decode()}


OPERATIONS = (
    Operation(
        "POST",
        _PATH,
        receive,
        "Send a CloudEvent, structured, binary or in a batch: every workflow that waits for it starts",
        accepts=(_STRUCTURED, _BATCH, "application/json"),
        answers={
            202: "`{id, event_id, source, type, duplicate, outcome, executions, deliveries}`; "
            "of a batch `{items}`. The executions exist."
        },
    ),
    Operation(
        "GET",
        _PATH,
        listing,
        "List the events that were sent or emitted, newest first",
        query=(
            Param("type", "string", "Of this type alone."),
            Param("outcome", "string", "Only these.", choices=tuple(Outcome)),
            Param("since", "time", "Received since then."),
            *PAGE,
        ),
        answers=PAGED,
    ),
)
