"""Every example does what it says, in each shape that a workflow may come in; so do the samples of other systems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.signatures import signed

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SAMPLES = ROOT / "tests" / "unit" / "formats" / "samples"
WHATSAPP_MESSAGE = ROOT / "tests" / "unit" / "triggers" / "providers" / "cases" / "whatsapp-message.json"
PUSH = json.loads((ROOT / "examples" / "payloads" / "github-push.json").read_text())
ANSWERS = {
    "/checks": (200, {"id": "check-1"}),
    "/deployments": (201, {"id": "deployment-1"}),
    "/stock": (200, {"available": 3}),
    "/fraud": (200, {"score": 0.1}),
}
Document = dict[str, Any]


class World:
    """A service with a stand-in for what workflows call, and one tenant for each shape."""

    def __init__(self, api, outside, neighbour) -> None:
        self.api, self.outside, self.neighbour = api, outside, neighbour

    def post(self, path: str, body: object, **more: Any):
        return self.outside.post(f"/webhooks/{self.api.tenant}/{path}", json=body, **more)

    def run(self, workflow: str, body: object = None) -> Document:
        """The ended execution; it has to be completed."""
        ended = self.api.ends(self.api.start(workflow, body))
        assert ended["status"] == "completed", ended["error"]
        return ended


# --- what each example gives


def hello(world: World) -> None:
    answer = world.outside.get(f"/webhooks/{world.api.tenant}/hello?name=you")
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello, you!", "workflow": "hello"})
    assert world.post("hello", {"name": "Ada"}).json()["message"] == "Hello, Ada!"
    assert world.post("hello", {}).json()["message"] == "Hello, world!"


def github_push(world: World) -> None:
    answer = world.post("github/push", PUSH)
    assert (answer.status_code, answer.headers["x-deployment"]) == (201, "deployment-1")
    assert answer.json()["checks"] == {"id": "check-1"}
    name, branch = PUSH["repository"]["full_name"], PUSH["ref"].removeprefix("refs/heads/")
    told = f"{PUSH['pusher']['name']} pushed {len(PUSH['commits'])} commits to {branch} of {name}"
    assert answer.json()["summary"] == told
    assert json.loads(world.neighbour.called("/deployments")[-1].body)["commit"] == PUSH["after"][:8]
    answer = world.post("github/push", PUSH | {"ref": "refs/heads/feature/x"})
    assert (answer.status_code, answer.json()) == (202, {"ignored": "feature/x"})


def order_intake(world: World) -> None:
    def order(number: str, price: float, quantity: int = 2) -> Any:
        return world.post("orders/web", {"order_id": number, "lines": [{"quantity": quantity, "price": price}]})

    small, large, refused = order("a", 9.5), order("b", 5000), order("c", 9.5, 0)
    assert (small.status_code, small.headers["location"]) == (201, "/orders/a")
    assert small.json() == {"order_id": "a", "state": "accepted", "gross": 22.61}
    assert (large.status_code, large.json()["state"]) == (202, "in review")
    assert (refused.status_code, refused.json()["state"]) == (422, "refused")
    again = order("a", 1.0)
    assert (again.status_code, again.json()) == (201, small.json())


def delay(world: World) -> None:
    ended = world.run("delay", {"seconds": 0.1})
    assert ended["output"] == {"slept": 0.1, "execution": ended["id"]}
    assert ended["duration"] >= 0.1


def error_handling(world: World) -> None:
    ended = world.run("error-handling")
    fallback = {"source": "cache", "available": 12, "because": "connection_error"}
    assert ended["output"] == {"fallback": fallback, "told": False}
    runs = world.api.nodes(ended["id"])
    assert (runs["stock"]["attempt"], runs["stock"]["status"], runs["in-stock"]["status"]) == (2, "failed", "skipped")


def parallel_join(world: World) -> None:
    ended = world.run("parallel-join", {"numbers": [5, 4]})
    assert ended["output"]["all"] == {"sum": 9, "largest": 5, "sorted": [4, 5]}
    assert list(ended["output"]["all"]) == ["sum", "largest", "sorted"]
    assert ended["output"]["first"] == [4, 5]


def loops(world: World) -> None:
    lines = [{"price": 8, "quantity": 3}, {"price": "free", "quantity": None}, {"price": 2, "quantity": 3}]
    assert world.run("loops", {"lines": lines})["output"] == {"total": 7.5, "refused": 1, "halved": 2}


def agent_support(world: World) -> None:
    def ask(needs_person: bool) -> Any:
        content = json.dumps({"answer": "It left today.", "needs_person": needs_person})
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        answer = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        world.neighbour.answers["/v1/chat/completions"] = (200, answer)
        return world.post("support/messages", {"customer": "ada", "text": "Where is my order?"})

    answered, handed_over = ask(needs_person=False), ask(needs_person=True)
    assert (answered.status_code, answered.json()) == (200, {"answer": "It left today.", "tokens": 4})
    assert (handed_over.status_code, handed_over.json()["state"]) == (202, "a person takes over")
    sent = json.loads(world.neighbour.called("/v1/chat/completions")[-1].body)["messages"]
    assert "It left today." in sent[-2]["content"]  # the conversation goes on in the next execution
    world.neighbour.answers["/v1/chat/completions"] = (400, {"error": {"message": "no"}})
    assert world.post("support/messages", {"customer": "ada", "text": "?"}).status_code == 503


def agent_tools(world: World) -> None:
    def answer(request: Document) -> tuple[int, Document]:
        told = [json.loads(one["content"]) for one in request["messages"] if one["role"] == "tool"]
        message: Document = {"role": "assistant", "content": f"Told {told}" if told else None}
        if not told:
            calls = {"delivery_day": {"weekday": 6}, "wait": {"seconds": 0.01}}
            message["tool_calls"] = [
                {"id": name, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
                for name, arguments in calls.items()
            ]
        return 200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    world.neighbour.answers["/v1/chat/completions"] = answer
    world.api.save((ROOT / "examples" / "delay.yaml").read_text())
    output = world.run("agent-tools", {})["output"]
    assert output["tools"] == ["delivery_day", "wait"]
    assert output["text"].startswith("Told [1, {'slept': 0.01, 'execution': ")


def whatsapp_conversation(world: World) -> None:
    credentials = {
        "phone_number_id": "106540352242922",
        "access_token": "EAAB-example",
        "app_secret": "app-secret",
        "verify_token": "verify-token",
        "base_url": world.neighbour.url,
        "version": "v24.0",
    }
    cloud_api = "/v24.0/106540352242922/messages"
    world.neighbour.answers[cloud_api] = (200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]})
    world.api.ask("PUT", "/channels/support-line", json={"type": "whatsapp", "credentials": credentials})
    choice = {"index": 0, "message": {"role": "assistant", "content": "In blue, too."}, "finish_reason": "stop"}
    world.neighbour.answers["/v1/chat/completions"] = (200, {"id": "c1", "model": "m", "choices": [choice]})
    body = WHATSAPP_MESSAGE.read_bytes()
    headers = {"content-type": "application/json", **signed("meta", body, "app-secret")}
    answer = world.outside.post(f"/webhooks/{world.api.tenant}/channels/support-line", content=body, headers=headers)
    ended = world.api.ends(answer.json()["execution_ids"][0])
    assert ended["status"] == "completed", ended["error"]
    sent = json.loads(world.neighbour.called(cloud_api)[-1].body)
    assert (sent["to"], sent["text"]["body"]) == ("16505551234", "In blue, too.")


def refund_approval(world: World) -> None:
    assert world.run("refund-approval", {"amount": 20})["output"] == {"refunded": 20, "comment": None}
    for approved, refunded in ((True, 120), (False, 0)):
        execution = world.api.start("refund-approval", {"customer": "Ada", "amount": 120, "reason": "Late"})
        world.api.reaches(execution, "waiting")
        (wait,) = world.api.ask("GET", f"/executions/{execution}/waits")["items"]
        assert (wait["form"]["title"], wait["form"]["text"]) == ("Refund 120 to Ada?", "Late")
        page = world.outside.get(httpx2.URL(wait["resume_url"]).path, headers={"accept": "text/html"})
        assert "Refund 120 to Ada?" in page.text
        answer = {"approved": str(approved).lower(), "comment": "As you wish"}
        assert world.outside.post(httpx2.URL(wait["resume_url"]).path, data=answer).status_code == 202
        assert world.api.ends(execution)["output"] == {"refunded": refunded, "comment": "As you wish"}


RESULTS: dict[str, Callable[[World], None]] = {
    "hello": hello,
    "github-push": github_push,
    "order-intake": order_intake,
    "delay": delay,
    "refund-approval": refund_approval,
    "error-handling": error_handling,
    "parallel-join": parallel_join,
    "loops": loops,
    "agent-support": agent_support,
    "agent-tools": agent_tools,
    "whatsapp-conversation": whatsapp_conversation,
}

# --- the shapes


def by_hand(document: Document) -> Document:
    return document


def stored(document: Document) -> Document:
    """A: the stored form, with `config`."""
    nodes = [{"config" if key == "params" else key: part for key, part in node.items()} for node in document["nodes"]]
    return document | {"nodes": nodes}


def editor_save(document: Document) -> Document:
    """B: what the visual editor saves, with the ports of decisions as labels."""
    nodes = {node["id"]: _with_data(node) for node in document["nodes"]}
    edges = {f"e{i}": _labelled(f"e{i}", edge, nodes) for i, edge in enumerate(document["edges"])}
    # What can be computed is computed: these lies must not matter.
    forest = {"roots": list(nodes)[:1], "adjacencyList": {node: {"children": [], "depth": 9} for node in nodes}}
    inner = {"forest": forest, "nodes": nodes, "edges": edges, "paths": [], "execution": {"leafNodes": []}}
    header = {key: part for key, part in document.items() if key not in {"nodes", "edges"}}
    return header | {"workflow": inner}


def _labelled(edge_id: str, edge: Document, nodes: dict[str, Document]) -> Document:
    port = edge.get("source_handle")
    found = {"id": edge_id, "source": edge["source"], "target": edge["target"]}
    if port == "error":
        return found | {"type": "failure"}
    labelled = {"decision", "if", "switch", "for_each", "loop", "wait_for_signal"}
    assert port is None or nodes[edge["source"]]["type"] in labelled
    return found | {"type": "default"} | ({"label": port} if port else {})


def react_flow(document: Document) -> Document:
    """C: React Flow, with labels, positions and handles."""
    nodes = [_with_data(node, label=node.get("name", "")) for node in document["nodes"]]
    edges = [
        {
            "id": f"e{i}",
            "source": edge["source"],
            "target": edge["target"],
            "sourceHandle": edge.get("source_handle"),
            "targetHandle": None,
            "animated": True,
        }
        for i, edge in enumerate(document["edges"])
    ]
    return document | {"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}}


def _with_data(node: Document, **more: str) -> Document:
    found = {key: part for key, part in node.items() if key != "params" and (key != "name" or not more)}
    return found | {"position": {"x": 1, "y": 2}, "data": dict(node.get("params", {})) | more}


SHAPES = [by_hand, stored, editor_save, react_flow]


@pytest.fixture(scope="module")
def worlds(api, outside, neighbour):
    """A world for each shape: routes of different tenants don't meet."""
    neighbour.answers |= ANSWERS
    found = {}
    for shape in SHAPES:
        tenant = shape.__name__.replace("_", "-")
        api.client.post("/api/v1/tenants", json={"id": tenant, "name": tenant}).raise_for_status()
        found[shape] = World(api.of(tenant), outside, neighbour)
    return found


@pytest.fixture(scope="module")
def documents(service, api, neighbour):
    """Each example as the service exports it, with the stand-in where it calls others."""
    service.flowrun("apply", str(ROOT / "examples"))
    found = {}
    for file in EXAMPLES:
        found[file.stem] = api.ask("GET", f"/workflows/{file.stem}/export", params={"format": "json"})
        if "api" in found[file.stem].get("variables", {}):
            found[file.stem]["variables"]["api"] = neighbour.url
    return found


def test_every_example_has_a_result_to_be_checked():
    assert {file.stem for file in EXAMPLES} == RESULTS.keys()


def test_all_examples_are_valid(service):
    done = service.flowrun("validate", *map(str, EXAMPLES))
    assert done.stdout.count("✓") == len(EXAMPLES)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_gives_what_it_promises_in_every_shape(documents, worlds, file, shape):
    world = worlds[shape]
    world.api.save(shape(documents[file.stem]))
    RESULTS[file.stem](world)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_all_shapes_are_one_definition(documents, worlds, file):
    document = documents[file.stem]
    for shape in SHAPES:
        api = worlds[shape].api
        api.save(shape(document))
        exported = api.ask("GET", f"/workflows/{file.stem}/export", params={"format": "json"})
        for node in exported["nodes"]:
            node.pop("position", None)
        for edge in exported["edges"]:
            edge.pop("id", None)
        assert exported == document


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.usefixtures("documents")
def test_what_is_exported_and_applied_again_is_unchanged(service, api, tmp_path, form):
    for file in EXAMPLES:
        answer = api.client.get(f"{api.base}/workflows/{file.stem}/export", params={"format": form})
        (tmp_path / f"{file.stem}.{form}").write_text(answer.text)
    applied = json.loads(service.flowrun("apply", str(tmp_path), "-o", "json").stdout)
    assert {one["workflow"]: one["change"] for one in applied} == {file.stem: "unchanged" for file in EXAMPLES}


# --- samples of other systems


def test_the_stored_sample_runs_both_ways(worlds):
    world = worlds[stored]
    source = (SAMPLES / "stored.json").read_text().replace("http://127.0.0.1:9009", world.neighbour.url)
    world.api.save({**json.loads(source), "id": "stored-sample"} | _on_a_route("sample/{shop}", source))
    items = {"items": [{"price": 2, "qty": 3}]}
    answer = world.post("sample/a", items)
    assert (answer.status_code, answer.json()) == (201, {"total": 6})
    world.neighbour.answers["/fraud"] = (200, {"score": 0.9})
    answer = world.post("sample/a", items)
    world.neighbour.answers["/fraud"] = ANSWERS["/fraud"]
    assert (answer.status_code, answer.json()) == (409, {"why": "fraud"})


def _on_a_route(path: str, source: str) -> Document:
    nodes = json.loads(source)["nodes"]
    nodes[0]["config"]["path"] = path
    return {"nodes": nodes}


def test_the_react_flow_sample_takes_the_branch_of_its_input(worlds):
    world = worlds[react_flow]
    world.api.save(json.loads((SAMPLES / "react-flow.json").read_text()))
    assert world.run("greeting", {"name": "Ada"})["output"] == "Hello Ada"
    assert world.api.nodes(world.run("greeting")["id"])["3"]["status"] == "skipped"
