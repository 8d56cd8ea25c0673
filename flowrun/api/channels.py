"""The channels of tenants: set, look at, try, disable and enable, delete; nothing gives credentials back."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, page
from flowrun.commands.delete_channel import DeleteChannel
from flowrun.commands.set_channel import SetChannel
from flowrun.commands.set_channel_status import ChannelStatus, SetChannelStatus
from flowrun.commands.try_channel import TryChannel
from flowrun.queries.get_channel import GetChannel
from flowrun.queries.list_channel_types import ListChannelTypes
from flowrun.queries.list_channels import ListChannels

_TENANT = "/api/v1/tenants/{tenant}"
_ALL = _TENANT + "/channels"
_ONE = _ALL + "/{name}"
_STATUS = {200: "`{name, status, status_reason, changed}`."}


async def set_channel(call: Call) -> Response:
    """Set a channel."""
    message = SetChannel(
        tenant_id=call.path("tenant"),
        name=call.path("name"),
        type=call.body["type"],
        credentials=call.body["credentials"],
    )
    outcome = await call.send(message)
    return JsonReply(outcome, 201 if outcome["created"] else 200, headers={"cache-control": "no-store"})


async def list_channels(call: Call) -> Response:
    """List channels."""
    query = ListChannels(tenant_id=call.path("tenant"), limit=call.query["limit"], cursor=call.query["cursor"])
    return page(call.request, await call.send(query))


async def show(call: Call) -> Response:
    """Show one channel."""
    return JsonReply(await call.send(GetChannel(tenant_id=call.path("tenant"), name=call.path("name"))))


async def types(call: Call) -> Response:
    """List the types of channels."""
    return JsonReply(await call.send(ListChannelTypes(tenant_id=call.path("tenant"))))


async def delete_channel(call: Call) -> Response:
    """Delete a channel."""
    await call.send(DeleteChannel(tenant_id=call.path("tenant"), name=call.path("name")))
    return Response(status_code=204)


async def disable(call: Call) -> Response:
    """Disable a channel."""
    return await _set_status(call, ChannelStatus.DISABLED, call.body["reason"])


async def enable(call: Call) -> Response:
    """Enable a channel."""
    return await _set_status(call, ChannelStatus.ACTIVE, None)


async def _set_status(call: Call, status: ChannelStatus, reason: str | None) -> Response:
    message = SetChannelStatus(
        tenant_id=call.path("tenant"),
        name=call.path("name"),
        status=status,
        reason=reason,
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message))


async def test(call: Call) -> Response:
    """Send a message through a channel."""
    message = TryChannel(
        tenant_id=call.path("tenant"),
        name=call.path("name"),
        to=call.body["to"],
        message=call.body["message"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message), headers={"cache-control": "no-store"})


OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        list_channels,
        "List a tenant's channels",
        query=PAGE,
        answers=PAGED,
    ),
    Operation(
        "GET",
        _TENANT + "/channel-types",
        types,
        "List the types of channels, and the credentials of each",
        answers={200: "`{items}`."},
    ),
    Operation("GET", _ONE, show, "Show a channel; of its credentials the names alone"),
    Operation(
        "PUT",
        _ONE,
        set_channel,
        "Set a channel, or give it other credentials; they are stored encrypted, and never shown",
        body=(
            Param("type", "string", "Such as `whatsapp`; `…/channel-types` lists them.", required=True),
            Param("credentials", "object", "What the type needs to know.", required=True),
        ),
        answers={
            200: "`{name, type, status, created, created_at, updated_at}`.",
            201: "The same, for a new channel.",
            409: "The channel is of another type.",
        },
    ),
    Operation("DELETE", _ONE, delete_channel, "Delete a channel", answers={204: "It is gone."}),
    Operation(
        "POST",
        _ONE + "/disable",
        disable,
        "Let nothing through a channel, in neither direction",
        body=(Param("reason", "string", "Why, for people."),),
        answers=_STATUS,
    ),
    Operation("POST", _ONE + "/enable", enable, "Let a channel work again", body=(), answers=_STATUS),
    Operation(
        "POST",
        _ONE + "/test",
        test,
        "Send one message through a channel, for real",
        body=(
            Param("to", "string", "Who gets it, as the channel's type calls people.", default=""),
            Param("message", "any", "A text, or what the type takes beside texts.", required=True),
        ),
        answers={200: "`{sent, output, error}`: what the provider answered."},
    ),
)
