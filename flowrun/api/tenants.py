"""Tenants and their API keys."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.auth import Authenticator
from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, page
from flowrun.bus import Scope
from flowrun.commands.create_key import CreateKey
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.revoke_key import RevokeKey
from flowrun.commands.set_tenant_limits import AT_LIMIT, SetTenantLimits
from flowrun.commands.set_tenant_status import SetTenantStatus
from flowrun.queries.list_keys import ListKeys
from flowrun.queries.list_tenants import ListTenants

_KEY_BODY = (
    Param("name", "string", "What the key is for.", required=True),
    Param("scopes", "strings", "What it may do.", choices=tuple(Scope), default=("read", "run")),
    Param("expires_at", "time", "When it stops working. Default: never."),
)
_CREATED = {201: "The key, shown this once: `{id, key, name, tenant_id, scopes, created_at, expires_at}`."}


async def create_tenant(call: Call) -> Response:
    """Create a tenant."""
    message = CreateTenant(id=call.body["id"], name=call.body["name"], idempotency_key=call.idempotency_key)
    return JsonReply(await call.send(message), 201)


async def list_tenants(call: Call) -> Response:
    """List all tenants."""
    return page(call.request, await call.send(ListTenants(limit=call.query["limit"], cursor=call.query["cursor"])))


async def set_limits(call: Call) -> Response:
    """Set what a tenant may have running at once."""
    message = SetTenantLimits(
        tenant_id=call.path("tenant"),
        running_executions=call.body["running_executions"],
        running_nodes=call.body["running_nodes"],
        at_limit=call.body["at_limit"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message))


def _status(name: str, summary: str, *, disabled: bool) -> Operation:
    async def endpoint(call: Call) -> Response:
        message = SetTenantStatus(
            tenant_id=call.path("tenant"), disabled=disabled, idempotency_key=call.idempotency_key
        )
        return JsonReply(await call.send(message))

    path = f"/api/v1/tenants/{{tenant}}/{name}"
    return Operation("POST", path, endpoint, summary, body=(), answers={200: "`{id, status, changed}`."})


async def create_key(call: Call) -> Response:
    """Create a key of a tenant, or an operator's."""
    message = CreateKey(
        tenant_id=_tenant(call),
        name=call.body["name"],
        scopes=tuple(Scope(scope) for scope in call.body["scopes"]),
        expires_at=call.body["expires_at"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message), 201, headers={"cache-control": "no-store"})


async def list_keys(call: Call) -> Response:
    """List the keys of a tenant, or the operators'."""
    return JsonReply(await call.send(ListKeys(tenant_id=_tenant(call))))


async def revoke_key(call: Call) -> Response:
    """Revoke a key."""
    key_id = call.path("key")
    await call.send(RevokeKey(tenant_id=_tenant(call), key_id=key_id))
    authenticator: Authenticator = call.request.app.state.authenticator
    authenticator.forget(key_id)
    return Response(status_code=204)


def _tenant(call: Call) -> str | None:
    tenant: str | None = call.request.path_params.get("tenant")
    return tenant


def _keys(base: str, whose: str) -> tuple[Operation, ...]:
    return (
        Operation("GET", base, list_keys, f"List the API keys of {whose}", answers={200: "`{items}`."}),
        Operation("POST", base, create_key, f"Create an API key of {whose}", body=_KEY_BODY, answers=_CREATED),
        Operation("DELETE", base + "/{key}", revoke_key, f"Revoke an API key of {whose}", answers={204: "Revoked."}),
    )


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/tenants",
        list_tenants,
        "List all tenants (operator only)",
        query=PAGE,
        answers=PAGED,
    ),
    Operation(
        "POST",
        "/api/v1/tenants",
        create_tenant,
        "Create a tenant (operator only)",
        body=(
            Param("id", "string", "A slug: a-z, 0-9 and -.", required=True),
            Param("name", "string", "A name for people.", default=""),
        ),
        answers={201: "`{id, name, status, created_at}`."},
    ),
    Operation(
        "PUT",
        "/api/v1/tenants/{tenant}/limits",
        set_limits,
        "Set what a tenant may have running at once (operator only)",
        body=(
            Param("running_executions", "integer", "Executions at once. Default: no limit."),
            Param("running_nodes", "integer", "Node runs at once, over all workers. Default: no limit."),
            Param("at_limit", "string", "What becomes of one execution more.", choices=AT_LIMIT, default="queue"),
        ),
        answers={200: "`{running_executions, running_nodes, at_limit}`."},
    ),
    _status("disable", "Let nothing new start for a tenant; what runs goes on (operator only)", disabled=True),
    _status("enable", "Let a disabled tenant be active again (operator only)", disabled=False),
    *_keys("/api/v1/tenants/{tenant}/keys", "a tenant"),
    *_keys("/api/v1/keys", "the operators"),
)
