"""Who may do what: every address of the route table, asked without a key, with wrong ones, and with foreign ones."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import httpx2
import pytest
from e2e.client import Api, is_problem, read_only, row_counts, until
from support import plain_http
from support.service import Service

from flowrun.api.routes import OPERATIONS

ALL = ["read", "run", "write", "admin"]
TENANT = "/api/v1/tenants/{tenant}"
EXECUTION = TENANT + "/executions/{execution}"
CONVERSATIONS = TENANT + "/workflows/{workflow}/conversations"
CONVERSATION = CONVERSATIONS + "/{conversation:path}"
NEEDS = {
    **dict.fromkeys(
        [
            ("GET", TENANT + "/workflows"),
            ("POST", TENANT + "/workflows:validate"),
            ("GET", TENANT + "/workflows/{workflow}"),
            ("GET", TENANT + "/workflows/{workflow}/export"),
            ("GET", TENANT + "/webhooks"),
            ("GET", TENANT + "/webhooks/{webhook}"),
            ("GET", TENANT + "/webhooks/{webhook}/deliveries"),
            ("GET", TENANT + "/schedules"),
            ("GET", TENANT + "/schedules/{schedule}"),
            ("GET", TENANT + "/schedules/{schedule}/fires"),
            ("GET", TENANT + "/secrets"),
            ("GET", TENANT + "/channels"),
            ("GET", TENANT + "/channel-types"),
            ("GET", TENANT + "/channels/{name}"),
            ("GET", TENANT + "/events"),
            ("GET", CONVERSATIONS),
            ("GET", CONVERSATION),
            ("GET", TENANT + "/executions"),
            ("GET", EXECUTION),
            ("GET", EXECUTION + "/nodes"),
            ("GET", EXECUTION + "/nodes/{node}"),
            ("GET", EXECUTION + "/nodes/{node}/logs"),
            ("GET", EXECUTION + "/history"),
            ("GET", EXECUTION + "/stream"),
            ("GET", "/api/v1/stream"),
            ("GET", TENANT + "/stats"),
        ],
        "read",
    ),
    **dict.fromkeys(
        [
            ("POST", TENANT + "/workflows/{workflow}/executions"),
            ("POST", TENANT + "/executions:bulk"),
            ("POST", EXECUTION + "/nodes/{node}/skip"),
            ("POST", TENANT + "/webhooks/{webhook}/deliveries/{event}/redeliver"),
            ("POST", TENANT + "/schedules/{schedule}/trigger"),
            ("POST", TENANT + "/events"),
            *[("POST", f"{EXECUTION}/{name}") for name in ("pause", "resume", "cancel", "terminate", "retry", "rerun")],
            ("POST", EXECUTION + "/signal"),
            ("GET", EXECUTION + "/waits"),
        ],
        "run",
    ),
    **dict.fromkeys(
        [
            ("PUT", TENANT + "/workflows/{workflow}"),
            ("DELETE", TENANT + "/workflows/{workflow}"),
            ("POST", TENANT + "/workflows/{workflow}/publish"),
            ("POST", TENANT + "/workflows/{workflow}/archive"),
            ("POST", TENANT + "/webhooks:listen"),
            ("POST", TENANT + "/schedules/{schedule}/pause"),
            ("POST", TENANT + "/schedules/{schedule}/resume"),
        ],
        "write",
    ),
    **dict.fromkeys(
        [
            ("GET", TENANT + "/keys"),
            ("POST", TENANT + "/keys"),
            ("DELETE", TENANT + "/keys/{key}"),
            ("DELETE", EXECUTION),
            ("DELETE", CONVERSATION),
            ("PUT", TENANT + "/secrets/{name}"),
            ("DELETE", TENANT + "/secrets/{name}"),
            ("PUT", TENANT + "/channels/{name}"),
            ("DELETE", TENANT + "/channels/{name}"),
            *[("POST", TENANT + f"/channels/{{name}}/{command}") for command in ("disable", "enable", "test")],
        ],
        "admin",
    ),
}
"""The scope that an address of a tenant asks for."""
OPERATORS = {
    ("GET", "/api/v1/executions"),
    ("GET", "/api/v1/stats"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants"),
    ("PUT", TENANT + "/limits"),
    ("POST", TENANT + "/disable"),
    ("POST", TENANT + "/enable"),
    ("POST", "/api/v1/secrets:rotate"),
    ("GET", "/api/v1/keys"),
    ("POST", "/api/v1/keys"),
    ("DELETE", "/api/v1/keys/{key}"),
}
"""What no key of a tenant opens, its own admin's neither."""
PUBLIC = {("GET", path) for path in ("/healthz", "/readyz", "/openapi.json", "/docs")}
BY_ADDRESS = {(method, "/resume/{token}") for method in ("GET", "POST", "PUT", "PATCH")}
"""Public too, but their address is a secret: any other is unknown."""
ROUTES = sorted((operation.method, operation.path) for operation in OPERATIONS)
OF_TENANTS = [route for route in ROUTES if route in NEEDS]
_OWN_ID = ("{execution}", "{key}", "{webhook}", "{schedule}")
WORKFLOW = {
    "id": "w",
    "nodes": [{"id": "in", "type": "manual"}, {"id": "rest", "type": "delay", "params": {"for": "1h"}}],
    "edges": [{"source": "in", "target": "rest"}],
}
CHANNEL = {
    "type": "whatsapp",
    "credentials": {"phone_number_id": "1", "access_token": "token", "base_url": "http://127.0.0.1:9"},
}
BODIES: dict[str, dict[str, Any]] = {
    "/workflows/{workflow}": WORKFLOW,
    "/workflows:validate": WORKFLOW,
    "/executions:bulk": {"action": "pause", "status": ["waiting"]},
    "/signal": {"name": "go"},
    "/keys": {"name": "k", "scopes": ["admin"]},
    "/tenants": {"id": "new"},
    "/secrets/{name}": {"value": "a-secret-value"},
    "/channels/{name}": CHANNEL,
    "/channels/{name}/test": {"message": "hello"},
    "/webhooks:listen": {"path": "x", "timeout": 0.01},
    "/events": {"specversion": "1.0", "id": "1", "source": "/test", "type": "test"},
}
PARAMS: dict[str, dict[str, Any]] = {
    "/api/v1/stream": {"tenant": "{tenant}", "seconds": 0.01},
    EXECUTION + "/stream": {"seconds": 0.01},
}
WRONG_KEYS = ["fr_", "fr_0123456789ab_" + "0" * 48, "Basic Zm9vOmJhcg==", "{id}_" + "0" * 48, "x" * 10_000]


@pytest.fixture(scope="module")
def world(api) -> dict[str, Any]:
    """Two tenants; acme has a workflow, an execution that waits, and a key for each scope."""
    for tenant in ("acme", "rival"):
        api.client.post("/api/v1/tenants", json={"id": tenant, "name": tenant}).raise_for_status()
    acme, rival = api.of("acme"), api.of("rival")
    acme.save(WORKFLOW)
    acme.ask("PUT", "/channels/none", json=CHANNEL)
    execution = acme.start("w")
    acme.reaches(execution, "waiting")
    keys = {scope: new_key(acme, scope) for scope in ALL}
    return {
        "acme": acme,
        "execution": execution,
        "keys": keys,
        "all": new_key(acme, *ALL),
        "rival": new_key(rival, *ALL),
    }


def new_key(api: Api, *scopes: str, **more: Any) -> dict[str, Any]:
    return api.ask("POST", "/keys", json={"name": "k", "scopes": list(scopes), **more}, status=201)


def ask(client: httpx2.Client, route: tuple[str, str], key: str | None = None, /, **ids: str) -> httpx2.Response:
    """Send a request that would be a good one, if only the key were."""
    method, path = route
    names = defaultdict(lambda: "none", {"tenant": "acme", "workflow": "w", "node": "rest"} | ids)
    body = next((body for end, body in BODIES.items() if path.endswith(end)), {})
    params = {name: str(value).format_map(names) for name, value in PARAMS.get(path, {}).items()}
    return client.request(
        method,
        path.replace(":path}", "}").format_map(names),
        params=params,
        json=body if method in {"POST", "PUT"} else None,
        headers={} if key is None else {"Authorization": f"Bearer {key}"},
    )


def test_every_address_is_known_here():
    unknown = set(ROUTES) - (NEEDS.keys() | OPERATORS | PUBLIC | BY_ADDRESS)
    assert not unknown, "say in NEEDS, OPERATORS, PUBLIC or BY_ADDRESS who may use them"


@pytest.fixture
def unchanged(service) -> Iterator[None]:
    before = row_counts(service.data_dir)
    yield
    assert row_counts(service.data_dir) == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_without_a_key_only_public_addresses_answer(outside, world, route):
    answer = ask(outside, route, execution=world["execution"])
    if route in PUBLIC:
        assert answer.status_code == 200
    elif route in BY_ADDRESS:
        is_problem(answer, 404, "not-found")
    else:
        is_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("key", WRONG_KEYS, ids=range(len(WRONG_KEYS)))
def test_a_wrong_key_opens_nothing(outside, world, key):
    wrong = key.format(id=world["all"]["key"].rpartition("_")[0])
    for route in ROUTES:
        if route not in PUBLIC | BY_ADDRESS:
            is_problem(ask(outside, route, wrong, execution=world["execution"]), 401, "unauthenticated")


@pytest.mark.usefixtures("unchanged", "world")
def test_only_one_authorization_header_counts(outside, world):
    good, bad = (("Authorization", f"Bearer {key}") for key in (world["all"]["key"], "fr_0_1"))
    url = "/api/v1/tenants/acme/workflows"
    assert outside.get(url, headers=[good]).status_code == 200
    is_problem(outside.get(url, headers=[good, bad]), 401)
    is_problem(outside.get(url, params={"key": world["all"]["key"]}), 401)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("route", OF_TENANTS, ids=" ".join)
def test_for_a_foreign_key_the_tenant_does_not_exist(outside, world, route):
    foreign = ask(outside, route, world["rival"]["key"], execution=world["execution"], key=world["all"]["id"])
    invented = ask(outside, route, world["rival"]["key"], execution=world["execution"], tenant="invented")
    assert is_problem(foreign, 404, "not-found")["detail"] == is_problem(invented, 404, "not-found")["detail"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "route", [route for route in OF_TENANTS if any(name in route[1] for name in _OWN_ID)], ids=" ".join
)
def test_what_belongs_to_another_tenant_is_not_found_under_ones_own(outside, world, route):
    ids = {"tenant": "rival", "execution": world["execution"], "key": world["all"]["id"]}
    is_problem(ask(outside, route, world["rival"]["key"], **ids), 404, "not-found")


def test_lists_and_bulk_commands_stay_within_the_tenant(outside, world):
    key, execution = world["rival"]["key"], world["execution"]
    for path in ("/workflows", "/executions", "/webhooks"):
        assert ask(outside, ("GET", TENANT + path), key, tenant="rival").json()["items"] == []
    owned = ask(outside, ("GET", TENANT + "/keys"), key, tenant="rival").json()["items"]
    assert [one["id"] for one in owned] == [world["rival"]["id"]]
    base, headers = "/api/v1/tenants/rival/executions:bulk", {"Authorization": f"Bearer {key}"}
    for only in ({"ids": [execution]}, {"status": ["waiting"]}, {"workflow": "w"}):
        answer = outside.post(base, json={"action": "cancel", **only}, headers=headers)
        assert answer.json()["done"] == 0
    assert world["acme"].execution(execution)["status"] == "waiting"


@pytest.mark.parametrize(
    ("route", "scope"),
    list(product(OF_TENANTS, ALL)),
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_a_key_may_do_what_its_scope_says_and_nothing_else(outside, world, route, scope):
    answer = ask(outside, route, world["keys"][scope]["key"], workflow="w" if route[0] != "DELETE" else "none")
    if NEEDS[route] == scope:
        assert answer.status_code < 500, answer.text
        assert answer.status_code not in {401, 403}, answer.text
    else:
        assert repr(NEEDS[route]) in is_problem(answer, 403, "forbidden")["detail"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("route", [route for route in ROUTES if route in OPERATORS], ids=" ".join)
def test_no_tenants_key_does_the_operators_work(outside, world, route):
    assert ask(outside, route, world["all"]["key"], key=world["all"]["id"]).status_code in {403, 404}


def test_a_key_grants_no_more_than_it_has(outside, world):
    admin = {"Authorization": f"Bearer {world['keys']['admin']['key']}"}
    body = {"name": "more", "scopes": ["admin", "write"]}
    is_problem(outside.post("/api/v1/tenants/acme/keys", json=body, headers=admin), 403, "forbidden")
    assert outside.post("/api/v1/tenants/acme/keys", json={**body, "scopes": ["admin"]}, headers=admin).is_success


def test_the_first_start_shows_one_operator_key_and_it_opens_every_tenant(outside, service, world):
    words = service.log.read_text().split()
    (key,) = [word for word in words if word.startswith("fr_")]
    for route in (("GET", TENANT + "/workflows"), ("GET", EXECUTION), ("GET", "/api/v1/tenants")):
        assert ask(outside, route, key, execution=world["execution"]).status_code == 200


def test_a_first_start_that_fails_leaves_no_key_that_nobody_has_seen(tmp_path):
    failing = Service(tmp_path / "d", log_level="warning")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failing.port = taken.getsockname()[1]
        assert failing.launch().wait() != 0
    assert "is in use by another process" in failing.log.read_text()
    with failing, failing.operator() as operator:
        shown = [word for word in failing.log.read_text().split() if word.startswith("fr_")]
        assert [one["name"] for one in operator.get("/api/v1/keys").json()["items"]] == ["first operator key"]
        with plain_http.client(failing.url) as outside:
            answer = outside.get("/api/v1/tenants", headers={"Authorization": f"Bearer {shown[0]}"})
        assert (answer.status_code, len(shown)) == (200, 1)


def test_a_key_that_cannot_read_is_refused_before_what_it_would_wait_for_starts(outside, world):
    headers = {"Authorization": f"Bearer {new_key(world['acme'], 'run')['key']}"}
    before = len(world["acme"].ask("GET", "/executions?limit=200")["items"])
    url = "/api/v1/tenants/acme/workflows/w/executions?wait=1"
    assert "scope 'read'" in is_problem(outside.post(url, json={}, headers=headers), 403, "forbidden")["detail"]
    assert len(world["acme"].ask("GET", "/executions?limit=200")["items"]) == before


@pytest.mark.parametrize("route", [route for route in ROUTES if route[0] == "GET"], ids=" ".join)
def test_the_socket_needs_no_key(api, world, route):
    answer = ask(api.client, route, execution=world["execution"])
    unknown = route in BY_ADDRESS or any(name in route[1] for name in ("{webhook}", "{schedule}", "{conversation"))
    assert answer.status_code == (404 if unknown else 200), answer.text


def test_a_revoked_key_is_refused_from_the_next_request_on(outside, world):
    made = new_key(world["acme"], "read")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert outside.get("/api/v1/tenants/acme/workflows", headers=headers).status_code == 200
    world["acme"].ask("DELETE", f"/keys/{made['id']}", status=204)
    is_problem(outside.get("/api/v1/tenants/acme/workflows", headers=headers), 401, "unauthenticated")
    listed = {one["id"]: one for one in world["acme"].ask("GET", "/keys")["items"]}
    assert listed[made["id"]]["status"] == "revoked"
    world["acme"].ask("DELETE", f"/keys/{made['id']}", status=204)


def test_an_expired_key_is_refused_also_by_a_service_that_knew_it(outside, world):
    soon = (datetime.now(UTC) + timedelta(seconds=0.7)).isoformat()
    headers = {"Authorization": f"Bearer {new_key(world['acme'], 'read', expires_at=soon)['key']}"}
    url = "/api/v1/tenants/acme/workflows"
    assert outside.get(url, headers=headers).status_code == 200
    until("it is refused", lambda: outside.get(url, headers=headers).status_code == 401, 5)


@pytest.mark.usefixtures("world")
def test_a_key_that_is_expired_from_the_start_is_not_made(api):
    past = {"name": "k", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    (issue,) = is_problem(api.client.post("/api/v1/tenants/acme/keys", json=past), 422)["errors"]
    assert issue["path"] == "expires_at"


def test_of_a_key_only_the_hash_is_kept(api, service, world):
    body, headers = {"name": "once", "scopes": ["read"]}, {"Idempotency-Key": "make-a-key"}
    first, again = (api.client.post("/api/v1/tenants/acme/keys", json=body, headers=headers).json() for _ in range(2))
    assert (again["id"], again["key"]) == (first["id"], None)
    with read_only(service.data_dir) as db:
        (digest,) = db.execute("SELECT secret_hash FROM api_keys WHERE id = ?", (first["id"],)).fetchone()
    stored = b"".join(file.read_bytes() for file in service.data_dir.glob("flowrun.db*"))
    assert digest in stored
    for made in (first, world["all"], world["rival"]):
        secret = made["key"].rpartition("_")[2]
        assert secret.encode() not in stored
        assert bytes.fromhex(secret) not in stored
        assert secret not in str(world["acme"].ask("GET", "/keys"))
        assert secret not in service.log.read_text()
