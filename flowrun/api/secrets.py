"""The secrets of tenants: set, list by name, delete; nothing gives a value back."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, page
from flowrun.commands.delete_secret import DeleteSecret
from flowrun.commands.rotate_secrets import RotateSecrets
from flowrun.commands.set_secret import SetSecret
from flowrun.queries.list_secrets import ListSecrets

_ALL = "/api/v1/tenants/{tenant}/secrets"
_ONE = _ALL + "/{name}"


async def set_secret(call: Call) -> Response:
    """Set a secret."""
    message = SetSecret(tenant_id=call.path("tenant"), name=call.path("name"), value=call.body["value"])
    outcome = await call.send(message)
    return JsonReply(outcome, 201 if outcome["created"] else 200, headers={"cache-control": "no-store"})


async def list_secrets(call: Call) -> Response:
    """List the names of secrets."""
    query = ListSecrets(tenant_id=call.path("tenant"), limit=call.query["limit"], cursor=call.query["cursor"])
    return page(call.request, await call.send(query))


async def delete_secret(call: Call) -> Response:
    """Delete a secret."""
    await call.send(DeleteSecret(tenant_id=call.path("tenant"), name=call.path("name")))
    return Response(status_code=204)


async def rotate(call: Call) -> Response:
    """Encrypt every secret and every channel with the current key."""
    return JsonReply(await call.send(RotateSecrets()))


OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        list_secrets,
        "List the names of a tenant's secrets",
        query=PAGE,
        answers=PAGED,
    ),
    Operation(
        "PUT",
        _ONE,
        set_secret,
        "Set a secret; it is stored encrypted, and never shown",
        body=(Param("value", "string", "The secret itself.", required=True),),
        answers={200: "`{name, created, created_at, updated_at}`.", 201: "The same, for a new secret."},
    ),
    Operation("DELETE", _ONE, delete_secret, "Delete a secret", answers={204: "It is gone."}),
    Operation(
        "POST",
        "/api/v1/secrets:rotate",
        rotate,
        "Encrypt every secret and every channel with the current key (operator only)",
        body=(),
        answers={200: "`{rotated, rotated_channels, unreadable, key_id}`."},
    ),
)
