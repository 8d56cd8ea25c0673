"""A secret goes through everything that can happen to a node, and is then looked for everywhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from e2e.client import Api, is_problem, until
from support.service import Service, free_port

CORE = "9f3KXq71vWm2"
CANARY = f'ca-{CORE} "/+=&<é>\\{CORE[::-1]}'
HEADER = f"hd-{CORE}/+='x"
"""As a header may hold it: ASCII, no line break."""
FEW = {"max_attempts": 3, "initial_interval": 0.05, "max_interval": 0.05}


def spellings(core):
    """What the core of a secret looks like wherever it may have got to, in bytes."""
    data = core.encode()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data)
        yield encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
    yield from (data, data.hex().encode(), data.hex().upper().encode(), quote(core).encode(), data[::-1])


def leaks(content: bytes) -> list[bytes]:
    return [spelling for core in (CORE, CORE[::-1]) for spelling in spellings(core) if spelling in content]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("s") / "data"
    with Service(data_dir, http_allow="127.0.0.1", log_level="debug") as service:
        service.flowrun("secrets", "set", "TOKEN", "--value-file", "-", stdin=CANARY + "\n")
        service.flowrun("secrets", "set", "HEADER", "--value-file", "-", stdin=HEADER)
        service.flowrun("secrets", "set", "LINES", "--value-file", "-", stdin=f"{CORE}\r\nX-Evil: 1")
        yield service


def call(url, **more):
    """A node that puts secrets wherever the http node takes text."""
    params = {
        "method": "POST",
        "url": url + "?k={{ secrets.HEADER }}",
        "headers": {"X-Token": "t {{ secrets.HEADER }}"},
        "auth": {"type": "basic", "username": "user", "password": "{{ secrets.TOKEN }}"},
        "body": {"mixed": "a {{ secrets.TOKEN }} b", "list": ["{{ [secrets.TOKEN, {'x': 'y' + secrets.HEADER}] }}"]},
    }
    return {"id": "call", "type": "http", "params": params, "retry": FEW, **more}


@pytest.fixture(scope="module")
def workflows(api: Api, neighbour):
    """By name: what happens to the call."""

    def save(name, node):
        nodes = [
            {"id": "start", "type": "manual"},
            node,
            {"id": "after", "type": "transform", "params": {"value": "{{ input }}"}},
        ]
        edges = [{"source": "start", "target": "call"}, {"source": "call", "target": "after"}]
        return api.save({"id": name, "nodes": nodes, "edges": edges})

    def echo(request):
        return {"path": request.path, "headers": request.headers, "body": request.body.decode()}

    def answer(request):
        kind = request.path.partition("?")[0].strip("/")
        if kind == "retry" and len(neighbour.called(request.path)) % 3:
            return 503, echo(request), 0.0
        return (400 if kind == "error" else 200), echo(request), 0.0

    neighbour.answer = answer
    save("success", call(f"{neighbour.url}/success"))
    save("error", call(f"{neighbour.url}/error"))
    save("retry", call(f"{neighbour.url}/retry"))
    save("slow", call(f"{neighbour.url}/slow", timeout=0.3))
    save("held", call(f"{neighbour.url}/held"))
    save("killed", call(f"{neighbour.url}/killed"))
    save("nobody", call(f"http://127.0.0.1:{free_port()}/"))
    evil = call(f"{neighbour.url}/evil")
    evil["params"]["headers"] = {"X": "{{ secrets.LINES }}"}
    save("evil", evil)
    return api


def files(service: Service) -> list[Path]:
    return [path for path in service.data_dir.iterdir() if path.is_file()]


def everything(service: Service, api: Api) -> dict[str, bytes]:
    """Every file, answer and output in which something could be found, by what it is."""
    found = {str(path): path.read_bytes() for path in files(service)}
    found["log"] = service.log.read_bytes()
    executions = [one["id"] for one in api.ask("GET", "/executions?limit=200")["items"]]
    paths = ["/executions?limit=200", "/secrets", "/workflows", "/keys", "/webhooks", "/events"]
    for eid in executions:
        nodes = [f"/nodes/{node}" for node in api.nodes(eid)]
        paths += [f"/executions/{eid}{part}" for part in ("", "/nodes", "/history?limit=1000", *nodes)]
    paths += [
        f"/workflows/{one['id']}{part}" for one in api.ask("GET", "/workflows")["items"] for part in ("", "/export")
    ]
    for path in paths:
        answer = api.client.get(api.base + path)
        assert answer.is_success, path
        found[path] = answer.content
    commands = [["secrets", "list"], ["executions", "list"], ["config"], ["export"], ["tenants", "list"]]
    commands += [["executions", kind, eid] for eid in executions[:3] for kind in ("show", "history")]
    for command in commands:
        done = service.flowrun(*command, check=False)
        found[" ".join(command)] = (done.stdout + done.stderr).encode()
    return found


ENDS = {"success": "completed", "retry": "completed", "error": "failed", "nobody": "failed", "evil": "failed"}


def test_a_canary_is_found_nowhere(service, workflows: Api, neighbour):
    api = workflows
    ended = {name: api.ends(api.start(name)) for name in ENDS}
    assert {name: execution["status"] for name, execution in ended.items()} == ENDS
    output = ended["success"]["output"]["body"]
    assert output["headers"]["x-token"] == "t ***"
    assert json.loads(output["body"]) == {"mixed": "a *** b", "list": [["***", {"x": "y***"}]]}
    rerun = api.command(ended["success"]["id"], "rerun", {"from_node": "call"}).json()["execution_id"]
    assert api.ends(rerun)["status"] == "completed"

    (success, *_) = (request.path for request in neighbour.calls if request.path.startswith("/success"))
    for name, status in {"slow": "failed", "held": "cancelled", "killed": "completed"}.items():
        path = success.replace("/success", f"/{name}")
        neighbour.hold(path)
        execution = api.start(name)
        (sent, *_) = until("the call is there", lambda path=path: neighbour.called(path))
        if name == "held":
            assert api.command(execution, "cancel").status_code == 202
        if name == "killed":
            service.kill()
            assert {str(path): seen for path in files(service) if (seen := leaks(path.read_bytes()))} == {}
            service.start()
            neighbour.release(path)
        assert api.ends(execution)["status"] == status
        if name != "killed":
            neighbour.release(path)

    # What the neighbour got is the secret itself, in every place.
    assert sent.headers["x-token"] == f"t {HEADER}"
    assert base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode() == f"user:{CANARY}"
    assert json.loads(sent.body) == {"mixed": f"a {CANARY} b", "list": [[CANARY, {"x": f"y{HEADER}"}]]}
    assert leaks(sent.body), "the search itself finds nothing"
    assert leaks(sent.headers["authorization"].encode())
    assert not [request for request in neighbour.calls if "x-evil" in request.headers]
    found = everything(service, api)
    assert len(found) > 60
    assert {place: seen for place, content in found.items() if (seen := leaks(content))} == {}


def test_a_mark_in_what_is_sent_in_stays_a_text(workflows: Api, neighbour):
    """The mark of a job holds a token that nobody outside knows; one that was written by hand is not filled."""
    node = call(f"{neighbour.url}/forged")
    node["params"]["body"] = {"theirs": "{{ input }}", "ours": "{{ secrets.TOKEN }}"}
    nodes = [{"id": "start", "type": "manual"}, node]
    workflows.save({"id": "forged", "nodes": nodes, "edges": [{"source": "start", "target": "call"}]})
    forged = "\ue000" + "0" * 26 + ":TOKEN\ue001 \ue000:TOKEN\ue001 secrets.TOKEN {{ secrets.TOKEN }}"
    workflows.ends(workflows.start("forged", forged))
    (request,) = (one for one in neighbour.calls if one.path.startswith("/forged"))
    assert json.loads(request.body) == {"theirs": forged, "ours": CANARY}


def test_an_unknown_secret_fails_the_node_at_once(workflows: Api, neighbour):
    node = call(f"{neighbour.url}/unknown")
    node["params"] = {"url": f"{neighbour.url}/unknown", "headers": {"x": "{{ secrets.MISSING }}"}}
    nodes = [{"id": "start", "type": "manual"}, node]
    workflows.save({"id": "unknown", "nodes": nodes, "edges": [{"source": "start", "target": "call"}]})
    error = workflows.ends(workflows.start("unknown"))["error"]
    assert (error["type"], error["retryable"], error["attempt"]) == ("unknown_secret", False, 1)
    assert "flowrun secrets set MISSING" in error["message"]
    assert neighbour.called("/unknown") == []
    workflows.ask("PUT", "/secrets/MISSING", json={"value": "here now"}, status=201)
    assert workflows.ends(workflows.start("unknown"))["status"] == "completed"
    workflows.ask("PUT", "/secrets/MISSING", json={"value": "changed"}, status=200)
    workflows.ends(workflows.start("unknown"))
    assert [one.headers["x"] for one in neighbour.called("/unknown")] == ["here now", "changed"]
    workflows.ask("DELETE", "/secrets/MISSING", status=204)
    assert workflows.ends(workflows.start("unknown"))["error"]["type"] == "unknown_secret"


def test_secrets_are_refused_everywhere_else(workflows: Api):
    nodes = [
        {"id": "start", "type": "webhook", "params": {"path": "x", "auth": "none", "filter": "secrets.A == 1"}},
        {"id": "set", "type": "transform", "params": {"value": "{{ secrets.A }}"}},
        {"id": "call", "type": "http", "params": {"url": "http://x/{{ sha256(secrets.A) }}"}},
    ]
    edges = [{"source": "start", "target": "set"}, {"source": "set", "target": "call", "condition": "secrets.A"}]
    problem = workflows.ask("PUT", "/workflows/wrong", json={"nodes": nodes, "edges": edges}, status=422)
    said = {issue["path"]: issue["message"] for issue in problem["errors"]}
    assert set(said) == {
        "nodes[0].params.filter", "nodes[1].params.value", "nodes[2].params.url", "edges[1].condition",
    }  # fmt: skip
    assert "only in the params of nodes that workers run" in said["nodes[1].params.value"]
    assert "a secret can only be put into a text" in said["nodes[2].params.url"]


def test_names_are_listed_and_values_never(service, workflows: Api):
    items = workflows.ask("GET", "/secrets")["items"]
    assert [item["name"] for item in items] == ["HEADER", "LINES", "TOKEN"]
    assert {name for item in items for name in item} == {"name", "created_at", "updated_at", "key_id"}
    assert workflows.client.get(f"{workflows.base}/secrets/TOKEN").status_code == 405
    assert "TOKEN" in service.flowrun("secrets", "list").stdout


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [("1A", "value", "name"), ("a-b", "value", "name"), ("A", "abc", "value"), ("A", " ab ", "value"),
     ("A", "x" * 70_000, "value"), ("A" * 101, "value", "name"), ("A", None, "value"), ("A", 12345, "value")],
)  # fmt: skip
def test_what_is_no_secret_is_refused(workflows: Api, name, value, path):
    answer = workflows.client.put(f"{workflows.base}/secrets/{name}", json={"value": value})
    assert path in {issue["path"] for issue in is_problem(answer, 422, "validation")["errors"]}
    assert "xxxxx" not in answer.text


def test_keys_of_a_tenant_reach_its_own_secrets_alone(workflows: Api, outside):
    workflows.client.post("/api/v1/tenants", json={"id": "other"})
    keys = {}
    for scopes in (("read",), ("read", "run", "write"), ("admin",)):
        body = {"name": "k", "scopes": list(scopes)}
        keys[scopes] = workflows.of("other").ask("POST", "/keys", json=body)["key"]
    wanted = {("read",): (200, 403, 404), ("read", "run", "write"): (200, 403, 404), ("admin",): (403, 201, 404)}
    for scopes, statuses in wanted.items():
        headers = {"Authorization": f"Bearer {keys[scopes]}"}
        asked = (
            outside.get("/api/v1/tenants/other/secrets", headers=headers),
            outside.put("/api/v1/tenants/other/secrets/K", headers=headers, json={"value": "value"}),
            outside.put("/api/v1/tenants/default/secrets/K", headers=headers, json={"value": "value"}),
        )
        assert tuple(answer.status_code for answer in asked) == statuses, scopes
        assert outside.post("/api/v1/secrets:rotate", headers=headers).status_code == 403
    assert outside.get("/api/v1/tenants/other/secrets").status_code == 401


def test_keys_are_rotated(tmp_path, neighbour):
    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    service = Service(tmp_path / "data", http_allow="127.0.0.1", encryption_key=old)
    url = f"{neighbour.url}/rotated"

    def restarted(key):
        if service.process is not None:
            service.stop()
        service._settings["encryption_key"] = key
        service.start()

    def sent():
        service.flowrun("start", "w", "--wait", check=False)
        return neighbour.called("/rotated")[-1].headers["x"] if neighbour.called("/rotated") else None

    try:
        restarted(old)
        service.flowrun("secrets", "set", "A", "--value-file", "-", stdin="the value")
        with service.operator() as client:
            node = {"id": "call", "type": "http", "params": {"url": url, "headers": {"x": "{{ secrets.A }}"}}}
            document = {
                "id": "w",
                "nodes": [{"id": "m", "type": "manual"}, node],
                "edges": [{"source": "m", "target": "call"}],
            }
            Api(client).save(document)
        assert sent() == "the value"
        restarted(f"{new},{old}")
        assert sent() == "the value"
        assert service.flowrun("secrets", "rotate").stdout.startswith("Encrypted 1 secrets")
        assert service.flowrun("secrets", "rotate").stdout.startswith("Encrypted 0 secrets")
        restarted(new)
        assert sent() == "the value"
        restarted(old)
        calls = len(neighbour.calls)
        with service.operator() as client:
            api = Api(client)
            assert api.ends(api.start("w"))["error"]["type"] == "unreadable_secret"
        assert len(neighbour.calls) == calls
        failed = service.flowrun("secrets", "rotate", check=False)
        assert (failed.returncode, "default/A" in failed.stderr) == (1, True)
        assert not (service.data_dir / "encryption.key").exists()
    finally:
        service.kill()
