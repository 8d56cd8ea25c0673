"""Webhooks: where they listen, what was delivered, once more, and test listeners."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, execution_url, page
from flowrun.commands.delivery_log import Outcome
from flowrun.commands.listen_webhook import LONGEST_WAIT, ListenWebhook
from flowrun.commands.redeliver_webhook import RedeliverWebhook
from flowrun.queries.get_webhook import GetWebhook
from flowrun.queries.list_deliveries import ListDeliveries
from flowrun.queries.list_webhooks import ListWebhooks

_ALL = "/api/v1/tenants/{tenant}/webhooks"
_ONE = _ALL + "/{webhook}"


async def listing(call: Call) -> Response:
    """List where workflows listen."""
    query = ListWebhooks(
        tenant_id=call.path("tenant"),
        workflow_id=call.query["workflow"],
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def show(call: Call) -> Response:
    """Show one webhook."""
    return JsonReply(await call.send(GetWebhook(tenant_id=call.path("tenant"), webhook_id=call.path("webhook"))))


async def deliveries(call: Call) -> Response:
    """List what was delivered to a webhook."""
    query = ListDeliveries(
        tenant_id=call.path("tenant"),
        webhook_id=call.path("webhook"),
        outcome=tuple(call.query["outcome"]),
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def redeliver(call: Call) -> Response:
    """Deliver once more."""
    message = RedeliverWebhook(
        tenant_id=call.path("tenant"),
        webhook_id=call.path("webhook"),
        event_id=call.path("event"),
        idempotency_key=call.idempotency_key,
    )
    answer = await call.send(message)
    execution_id = answer["execution_id"]
    url = None if execution_id is None else execution_url(call.path("tenant"), str(execution_id))
    return JsonReply({**answer, "status_url": url}, 202)


async def listen(call: Call) -> Response:
    """Wait for the next request to a path."""
    message = ListenWebhook(
        tenant_id=call.path("tenant"),
        path=call.body["path"],
        methods=tuple(call.body["methods"]),
        timeout=float(call.body["timeout"]),
    )
    return JsonReply(await call.send(message), headers={"cache-control": "no-store"})


OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        listing,
        "List where workflows listen",
        query=(Param("workflow", "string", "Of this workflow alone."), *PAGE),
        answers=PAGED,
    ),
    Operation("GET", _ONE, show, "Show a webhook with its params"),
    Operation(
        "GET",
        _ONE + "/deliveries",
        deliveries,
        "List what was delivered to a webhook and what became of it, newest first",
        query=(Param("outcome", "strings", "Only these.", choices=tuple(Outcome), default=()), *PAGE),
        answers=PAGED,
    ),
    Operation(
        "POST",
        _ONE + "/deliveries/{event}/redeliver",
        redeliver,
        "Start the webhook's workflow again from a delivery",
        body=(),
        answers={
            202: "`{event_id, outcome, execution_id, status_url}`.",
            409: "Its request was not kept, or the workflow is not published.",
        },
    ),
    Operation(
        "POST",
        _ALL + ":listen",
        listen,
        "Show the next request to a path, published or not; nothing is started and no signature checked",
        body=(
            Param("path", "string", "What follows `/webhooks/{tenant}/`, such as `orders/{id}`.", required=True),
            Param("methods", "strings", "Only these. Default: any.", default=()),
            Param("timeout", "number", f"Seconds to wait, {LONGEST_WAIT} at most.", default=30),
        ),
        answers={200: "`{delivery}`: the request; null when none came."},
    ),
)
