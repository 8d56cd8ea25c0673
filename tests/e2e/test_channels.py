"""Channels over the API; their credentials go through all that happens to them, and are then looked for everywhere."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
import yaml
from e2e.client import Api, is_problem
from support.service import Service
from support.signatures import SCHEMES, signed

CORE = "4kPz81QwLm7"
CREDENTIALS = {
    "phone_number_id": "1065",
    "access_token": f"EAAB{CORE}token",
    "app_secret": f"as-{CORE[::-1]}-secret",
    "verify_token": f"vt {CORE} token",
}
HANDSHAKE = {"hub.mode": "subscribe", "hub.verify_token": CREDENTIALS["verify_token"], "hub.challenge": "115"}
FEW = {"max_attempts": 2, "initial_interval": 0.05, "max_interval": 0.05}
JSON = {"content-type": "application/json"}


def leaks(content: bytes) -> list[bytes]:
    """The spellings of the credentials' core that the content has."""
    found = []
    for core in (CORE, CORE[::-1]):
        data = core.encode()
        spellings = [data, data.hex().encode(), quote(core).encode()]
        for offset in range(3):
            encoded = base64.b64encode(bytes(offset) + data)
            spellings.append(encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6])
        found += [spelling for spelling in spellings if spelling in content]
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("c") / "data"
    with Service(data_dir, http_allow="127.0.0.1", log_level="debug") as service:
        yield service


def listening(name, *, to="1650"):
    """A workflow that answers what comes in through a channel."""
    auth = {"type": "channel", "channel": name}
    hook = {"id": "in", "type": "webhook", "params": {"path": f"channels/{name}", "auth": auth}}
    send = {"id": "out", "type": "send", "params": {"channel": name, "to": to, "message": "hello"}, "retry": FEW}
    return {"id": name, "nodes": [hook, send], "edges": [{"source": "in", "target": "out"}]}


def started(api, outside, name, scheme, secret, body=b"{}", **more):
    answer = outside.post(
        f"/webhooks/default/channels/{name}", content=body, headers={**JSON, **signed(scheme, body, secret)}, **more
    )
    assert answer.status_code == 202, answer.text
    return api.execution(answer.json()["execution_ids"][0])


def everything(service: Service, api: Api) -> dict[str, bytes]:
    """Every file, answer and output in which something could be found, by what it is."""
    found = {str(path): path.read_bytes() for path in service.data_dir.iterdir() if path.is_file()}
    found["log"] = service.log.read_bytes()
    paths = ["/executions?limit=200", "/channels", "/channels/canary", "/channel-types", "/webhooks", "/workflows"]
    for one in api.ask("GET", "/executions?limit=200")["items"]:
        nodes = [f"/nodes/{node}" for node in api.nodes(one["id"])]
        paths += [f"/executions/{one['id']}{part}" for part in ("", "/nodes", "/history?limit=1000", *nodes)]
    paths += [f"/webhooks/{one['id']}/deliveries" for one in api.ask("GET", "/webhooks")["items"]]
    paths += [f"/workflows/{one['id']}/export" for one in api.ask("GET", "/workflows")["items"]]
    for path in paths:
        answer = api.client.get(api.base + path)
        assert answer.is_success, path
        found[path] = answer.content
    for command in (["channels", "list"], ["channels", "show", "canary"], ["export"], ["executions", "list"]):
        done = service.flowrun(*command, check=False)
        found[" ".join(command)] = (done.stdout + done.stderr).encode()
    return found


def test_credentials_are_found_nowhere(service, api: Api, neighbour, outside):
    def echo(call):
        """What a provider might repeat: the token that it was given, as a success or in an error."""
        status = 400 if json.loads(call.body)["to"] == "bad" else 200
        error = {"message": f"no: {call.headers['authorization']}", "code": 190} if status == 400 else None
        return status, {"messages": [{"id": "m1"}], "headers": call.headers, "error": error}, 0.0

    neighbour.answer = echo
    given = yaml.safe_dump(CREDENTIALS | {"base_url": neighbour.url})
    done = service.flowrun("channels", "set", "canary", "--type", "whatsapp", "--credentials-file", "-", stdin=given)
    assert done.stdout == "Set canary\n"
    misspelt = {**CREDENTIALS, "app_secret": 5, "acces_token": CREDENTIALS["access_token"]}
    wrong = {"type": "whatsapp", "credentials": misspelt}
    refusal = is_problem(api.client.put(f"{api.base}/channels/canary", json=wrong), 422, "validation")
    assert {issue["path"] for issue in refusal["errors"]} == {"credentials.app_secret", "credentials.acces_token"}
    assert leaks(json.dumps(refusal).encode()) == []

    api.save(listening("canary"))
    assert outside.get("/webhooks/default/channels/canary", params=HANDSHAKE).text == "115"
    ended = api.ends(started(api, outside, "canary", "meta", CREDENTIALS["app_secret"])["id"])
    assert ended["status"] == "completed", ended["error"]
    (call, *_) = neighbour.calls
    assert leaks(call.headers["authorization"].encode()), "the search itself finds nothing"
    is_problem(outside.post("/webhooks/default/channels/canary", content=b"{}", headers=JSON), 401)
    said = api.ask("POST", "/channels/canary/test", json={"to": "1650", "message": "hello"})
    assert (said["sent"], leaks(json.dumps(said).encode())) == (True, [])
    assert "Sent" in service.flowrun("channels", "test", "canary", "--to", "1650").stdout

    api.save({**listening("canary", to="bad"), "id": "canary"})
    failed = api.ends(started(api, outside, "canary", "meta", CREDENTIALS["app_secret"])["id"])
    assert (failed["status"], failed["error"]["type"]) == ("failed", "channel_unauthorized")
    service.kill()
    files = {str(path): leaks(path.read_bytes()) for path in service.data_dir.iterdir() if path.is_file()}
    assert {path: seen for path, seen in files.items() if seen} == {}
    service.start()
    found = everything(service, api)
    assert len(found) > 20
    assert {place: seen for place, content in found.items() if (seen := leaks(content))} == {}


def test_a_channel_whose_receiver_is_gone_is_disabled_with_the_reason(api: Api, neighbour):
    neighbour.answer = lambda _call: (410, {}, 0.0)
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    credentials = {"url": f"{neighbour.url}/gone", "secrets": [secret]}
    api.ask("PUT", "/channels/hook", json={"type": "callback", "credentials": credentials}, status=201)
    nodes = [
        {"id": "go", "type": "manual"},
        {"id": "out", "type": "send", "params": {"channel": "hook", "message": {"order": 7}}},
    ]
    api.save({"id": "calls-back", "nodes": nodes, "edges": [{"source": "go", "target": "out"}]})
    assert api.ends(api.start("calls-back"))["error"]["type"] == "endpoint_gone"
    shown = api.ask("GET", "/channels/hook")
    assert (shown["status"], bool(shown["status_reason"])) == ("disabled", True)
    assert api.ends(api.start("calls-back"))["error"]["type"] == "channel_disabled"
    assert len(neighbour.called("/gone")) == 1
    api.ask("POST", "/channels/hook/enable", json={})
    assert api.ends(api.start("calls-back"))["error"]["type"] == "endpoint_gone"


INBOUND = {
    "whatsapp": ("meta", CREDENTIALS | {"app_secret": SCHEMES["meta"].secret}),
    "instagram": (
        "meta",
        {"account_id": "17841", "access_token": "t", "app_secret": SCHEMES["meta"].secret, "verify_token": "v"},
    ),
    "telegram": ("telegram", {"bot_token": f"123456:{'A' * 35}", "secret_token": SCHEMES["telegram"].secret}),
    "slack": ("slack", {"bot_token": "xoxb-1", "signing_secret": SCHEMES["slack"].secret}),
    "mercado_livre": ("mercado_livre", {"access_token": "t", "webhook_secret": SCHEMES["mercado_livre"].secret}),
}


@pytest.mark.parametrize("kind", INBOUND)
def test_every_type_proves_its_sender_by_its_own_scheme(api: Api, outside, kind):
    scheme, credentials = INBOUND[kind]
    name, query = f"in-{kind}", dict(SCHEMES[scheme].query)
    address = f"/webhooks/default/channels/{name}"
    api.ask("PUT", f"/channels/{name}", json={"type": kind, "credentials": credentials}, status=201)
    api.save({**listening(name), "nodes": listening(name)["nodes"][:1], "edges": []})
    body = json.dumps({"id": 1}).encode()
    ended = started(api, outside, name, scheme, SCHEMES[scheme].secret, body, params=query)
    assert ended["trigger"]["event"]["provider"] == kind
    for headers in (signed(scheme, body, "another-secret"), {}):
        is_problem(outside.post(address, content=body, headers={**JSON, **headers}, params=query), 401)


def test_slacks_question_is_answered_for_a_channel(api: Api, outside):
    credentials = INBOUND["slack"][1]
    api.client.put(f"{api.base}/channels/asked", json={"type": "slack", "credentials": credentials})
    api.save({**listening("asked"), "nodes": listening("asked")["nodes"][:1], "edges": []})
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB", "token": "x"}).encode()
    headers = {**JSON, **signed("slack", body)}
    answer = outside.post("/webhooks/default/channels/asked", content=body, headers=headers)
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")


def test_a_channel_without_what_proves_refuses_and_the_log_says_so(api: Api, outside):
    credentials = {"phone_number_id": "1", "access_token": "token"}
    api.ask("PUT", "/channels/silent", json={"type": "whatsapp", "credentials": credentials}, status=201)
    api.save({**listening("silent"), "nodes": listening("silent")["nodes"][:1], "edges": []})
    body = b"{}"
    headers = {**JSON, **signed("meta", body, "")}
    is_problem(outside.post("/webhooks/default/channels/silent", content=body, headers=headers), 401)
    (webhook,) = api.ask("GET", "/webhooks?workflow=silent")["items"]
    assert "takes no messages" in api.ask("GET", f"/webhooks/{webhook['id']}/deliveries")["items"][0]["reason"]
    assert outside.get("/webhooks/default/channels/silent", params=HANDSHAKE).status_code == 405


def test_two_channels_on_one_route_judge_with_their_own_secret(api: Api, outside):
    for number in (1, 2):
        credentials = {**CREDENTIALS, "app_secret": f"app-secret-{number}"}
        api.ask("PUT", f"/channels/line-{number}", json={"type": "whatsapp", "credentials": credentials}, status=201)
        document = listening(f"line-{number}")
        document["nodes"][0]["params"]["path"] = "shared"
        api.save({**document, "nodes": document["nodes"][:1], "edges": []})
    body = b'{"a": 1}'
    for number in (1, 2):
        headers = {**JSON, **signed("meta", body, f"app-secret-{number}")}
        answer = outside.post("/webhooks/default/shared", content=body, headers=headers)
        (execution,) = answer.json()["execution_ids"]
        assert api.execution(execution)["workflow_id"] == f"line-{number}"


def test_a_channel_of_another_tenant_proves_nothing(api: Api, outside):
    api.client.post("/api/v1/tenants", json={"id": "other"})
    api.of("other").ask("PUT", "/channels/theirs", json={"type": "whatsapp", "credentials": CREDENTIALS}, status=201)
    api.save({**listening("theirs"), "nodes": listening("theirs")["nodes"][:1], "edges": []})
    body = b"{}"
    headers = {**JSON, **signed("meta", body, CREDENTIALS["app_secret"])}
    is_problem(outside.post("/webhooks/default/channels/theirs", content=body, headers=headers), 401)


def test_an_unknown_channel_fails_the_node_at_once(api: Api):
    nodes = [
        {"id": "go", "type": "manual"},
        {"id": "out", "type": "send", "params": {"channel": "none", "to": "1", "message": "hello"}},
    ]
    api.save({"id": "unknown", "nodes": nodes, "edges": [{"source": "go", "target": "out"}]})
    error = api.ends(api.start("unknown"))["error"]
    assert (error["type"], error["retryable"], error["attempt"]) == ("unknown_channel", False, 1)
