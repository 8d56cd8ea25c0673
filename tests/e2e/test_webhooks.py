"""Webhooks from outside: what starts, what the caller is answered, and when."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx2
import pytest
from e2e.client import is_problem, read_only, until
from support import plain_http

SYNC_SECONDS = 20.0
"""The `sync_timeout` of those that must not wait for it; an answer in half of it did not."""
_paths = count()


@pytest.fixture
def path():
    """A route that no other test uses."""
    return f"route-{next(_paths)}"


@pytest.fixture
def hook(api, neighbour, path):
    """Saves a workflow on the route: its id, the nodes after the webhook, its edges, the webhook's params."""

    def save(name: str = "one", nodes: tuple[dict[str, Any], ...] = (), edges: tuple[str, ...] = (), **params: Any):
        workflow = f"{path}-{name}"
        webhook = {"id": "in", "type": "webhook", "params": {"path": path, "auth": "none", **params}}
        variables = {"api": neighbour.url}
        api.save({"id": workflow, "nodes": [webhook, *nodes], "edges": list(edges), "variables": variables})
        return workflow

    return save


@pytest.fixture
def post(outside, path):
    def post(body: object = None, **more: Any) -> httpx2.Response:
        return outside.post(f"/webhooks/default/{path}", **({"json": body} | more))

    return post


def respond(**params: Any) -> dict[str, Any]:
    return {"id": "answer", "type": "respond", "params": params}


def call(place: str) -> dict[str, Any]:
    return {"id": "work", "type": "http", "params": {"url": "{{ vars.api }}/" + place}, "retry": {"max_attempts": 1}}


def rows(service) -> int:
    with read_only(service.data_dir) as db:
        return int(db.execute("SELECT count(*) FROM executions").fetchone()[0])


# --- response modes


def test_immediate_answers_202_with_an_execution_that_is_stored_already(api, service, hook, post):
    hook(nodes=({"id": "wait", "type": "delay", "params": {"for": "1h"}},), edges=("in -> wait",))
    before = rows(service)
    answer = post({"n": 1})
    assert answer.status_code == 202
    assert rows(service) == before + 1
    (started,) = answer.json()["executions"]
    assert answer.json()["execution_ids"] == [started["execution_id"]]
    assert api.client.get(started["status_url"]).json()["input"] == {"n": 1}


def test_last_node_answers_the_output_of_the_workflow(hook, post):
    double = {"id": "double", "type": "transform", "params": {"value": {"twice": "{{ input.n * 2 }}"}}}
    hook(nodes=(double,), edges=("in -> double",), response_mode="last_node")
    answer = post({"n": 21})
    assert (answer.status_code, answer.json()) == (200, {"twice": 42})


def test_response_node_answers_status_headers_and_body_while_the_workflow_goes_on(api, neighbour, hook, post, path):
    answering = respond(status=201, headers={"X-Number": "{{ input.n }}"}, body={"got": "{{ input.n }}"})
    hook(nodes=(answering, call(path)), edges=("in -> answer", "answer -> work"), response_mode="response_node")
    neighbour.hold(f"/{path}")
    answer = post({"n": 7})
    assert (answer.status_code, answer.json()) == (201, {"got": 7})
    assert answer.headers["x-number"] == "7"
    (execution,) = (one["id"] for one in api.ask("GET", f"/executions?workflow={path}-one")["items"])
    until("the next node runs", lambda: neighbour.called(f"/{path}"))
    neighbour.release(f"/{path}")
    ended = api.ends(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"got": 7})


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [("plain words", "text/plain; charset=utf-8", b"plain words"), ({"a": [1]}, "application/json", b'{"a":[1]}')],
)
def test_response_node_sends_a_text_as_text_and_the_rest_as_json(hook, post, body, content_type, content):
    hook(nodes=(respond(body=body),), edges=("in -> answer",), response_mode="response_node")
    answer = post()
    assert (answer.headers["content-type"], answer.content) == (content_type, content)


@pytest.mark.parametrize("mode", ["last_node", "response_node"])
def test_after_the_sync_timeout_the_answer_is_202_and_the_execution_goes_on(api, neighbour, hook, post, path, mode):
    edges = ("in -> work", "work -> answer")
    hook(nodes=(call(path), respond(body="late")), edges=edges, response_mode=mode, sync_timeout="200ms")
    neighbour.hold(f"/{path}")
    answer = post()
    assert answer.status_code == 202
    url = answer.json()["executions"][0]["status_url"]
    assert api.client.get(url).json()["status"] == "running"
    neighbour.release(f"/{path}")
    assert until("it completes", lambda: api.client.get(url).json()["status"] == "completed")


@pytest.mark.parametrize("mode", ["last_node", "response_node"])
def test_a_failure_before_the_answer_is_500_with_the_id_and_nothing_from_inside(api, neighbour, hook, post, path, mode):
    edges = ("in -> work", "work -> answer")
    hook(nodes=(call(path), respond()), edges=edges, response_mode=mode, sync_timeout=SYNC_SECONDS)
    neighbour.answers[f"/{path}"] = (418, {"inside": "the secret reason"})
    began = time.monotonic()
    answer = post()
    assert time.monotonic() - began < SYNC_SECONDS / 2
    problem = is_problem(answer, 500, "execution-failed")
    assert api.execution(problem["execution_id"])["error"]["node_id"] == "work"
    for inside in ("secret", "418", neighbour.url, "http_status"):
        assert inside not in answer.text


def test_a_skipped_response_node_is_answered_at_once_while_the_rest_still_runs(api, neighbour, hook, post, path):
    choice = {"id": "big", "type": "if", "params": {"condition": "input.n > 10"}}
    edges = ("in -> big", "in -> work", {"source": "big", "target": "answer", "source_handle": "true"})
    hook(nodes=(choice, respond(), call(path)), edges=edges, response_mode="response_node", sync_timeout=SYNC_SECONDS)
    neighbour.hold(f"/{path}")
    began = time.monotonic()
    problem = is_problem(post({"n": 1}), 500, "no-response")
    assert time.monotonic() - began < SYNC_SECONDS / 2
    assert api.execution(problem["execution_id"])["status"] == "running"
    neighbour.release(f"/{path}")
    assert api.ends(problem["execution_id"])["status"] == "completed"


# --- what the request holds


def test_path_variables_query_headers_and_method_reach_the_workflow(api, outside, path):
    show = {"id": "show", "type": "transform", "params": {"value": "{{ trigger }}"}}
    params = {"path": path + "/{shop}/{id}", "auth": "none", "methods": ["PUT"], "response_mode": "last_node"}
    nodes = [{"id": "in", "type": "webhook", "params": params}, show]
    api.save({"id": path, "nodes": nodes, "edges": ["in -> show"]})
    sent = {"X-Shop": "s", "Authorization": "Bearer hidden", "Content-Type": "application/json"}
    url = f"/webhooks/default/{path}/b%C3%A4r/a%2Fb?x=1&x=2&y=&z=%20"
    trigger = outside.put(url, content=b"[1, null]", headers=sent).json()
    assert trigger["path"] == {"shop": "bär", "id": "a/b"}
    assert trigger["query"] == {"x": ["1", "2"], "y": "", "z": " "}
    assert (trigger["method"], trigger["body"]) == ("PUT", [1, None])
    assert trigger["headers"]["x-shop"] == "s"
    assert "hidden" not in str(trigger["headers"])


@pytest.mark.parametrize(
    ("content_type", "content", "body"),
    [
        ("application/json", b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        ("application/cloudevents+json", b'"x"', "x"),
        ("application/x-www-form-urlencoded", b"a=1&b=%C3%A9+%26&a=2", {"a": ["1", "2"], "b": "é &"}),
        ("text/plain; charset=utf-8", "grüß".encode(), "grüß"),
        ("application/octet-stream", bytes(range(256)), {"base64": base64.b64encode(bytes(range(256))).decode()}),
        ("application/json", b"", None),
    ],
)
def test_every_kind_of_body_becomes_json(hook, post, content_type, content, body):
    hook(response_mode="last_node")
    answer = post(json=None, content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (200, body)


def test_filter_and_map_say_what_starts_and_with_what(api, hook, post):
    hook(filter="trigger.body.n > 10", map={"number": "{{ trigger.body.n + 1 }}"})
    passed_by = post({"n": 1})
    assert (passed_by.status_code, passed_by.json()["execution_ids"]) == (200, [])
    (execution,) = post({"n": 11}).json()["execution_ids"]
    assert api.ends(execution)["input"] == {"number": 12}


# --- routes


def test_all_workflows_on_a_route_start_and_the_synchronous_one_answers(api, hook, post):
    quiet = [hook("quiet"), hook("also-quiet")]
    loud = hook("loud", nodes=(respond(body="loud"),), edges=("in -> answer",), response_mode="response_node")
    assert post({"n": 1}).text == "loud"
    for workflow in (*quiet, loud):
        (one,) = api.ask("GET", f"/executions?workflow={workflow}")["items"]
        assert api.ends(one["id"])["input"] == {"n": 1}


def test_a_second_synchronous_workflow_on_a_route_is_refused(api, hook, path):
    hook(response_mode="last_node")
    webhook = {"id": "in", "type": "webhook", "params": {"path": path, "auth": "none", "response_mode": "last_node"}}
    document = {"id": f"{path}-rival", "nodes": [webhook]}
    (issue,) = is_problem(api.client.put(f"{api.base}/workflows/{path}-rival", json=document), 422)["errors"]
    assert f"{path}-one" in issue["message"]


def test_only_published_workflows_listen(api, hook, post):
    workflow = hook()
    api.ask("POST", f"/workflows/{workflow}/archive")
    is_problem(post(), 404, "not-found")
    api.ask("POST", f"/workflows/{workflow}/publish")
    assert post().status_code == 202


def test_a_draft_does_not_listen(api, outside, path):
    webhook = {"id": "in", "type": "webhook", "params": {"path": path, "auth": "none"}}
    api.save({"id": path, "status": "draft", "nodes": [webhook]})
    is_problem(outside.post(f"/webhooks/default/{path}", json={}), 404, "not-found")


def test_a_changed_path_is_heard_at_the_new_place_only(outside, hook, post, path):
    hook()
    hook(path=f"{path}/new")
    is_problem(post(), 404)
    assert outside.post(f"/webhooks/default/{path}/new").status_code == 202


def test_a_wrong_method_is_405_and_says_which_are_right(outside, hook, path):
    hook(methods=["POST", "PUT"])
    answer = outside.delete(f"/webhooks/default/{path}")
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST, PUT"


def test_head_is_answered_without_a_body(outside, hook, path):
    hook(methods=["HEAD", "GET"], nodes=(respond(body="words"),), edges=("in -> answer",), response_mode="last_node")
    answer = outside.head(f"/webhooks/default/{path}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert outside.get(f"/webhooks/default/{path}").status_code == 200
    assert outside.head("/webhooks/default/nowhere").status_code == 404


# --- the same delivery again


def test_fifty_deliveries_of_one_key_at_once_are_one_execution(api, service, hook, path):
    workflow = hook()

    def deliver(number: int) -> list[str]:
        headers = {"Idempotency-Key": "one"}
        with plain_http.client(service.url, headers=headers, timeout=30) as client:
            answer = client.post(f"/webhooks/default/{path}", json={"n": number})
        assert answer.status_code == 202, answer.text
        return answer.json()["execution_ids"]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(deliver, range(50)))
    assert len({tuple(ids) for ids in answers}) == 1
    (one,) = api.ask("GET", f"/executions?workflow={workflow}")["items"]
    assert answers[0] == [one["id"]]


def test_a_repeated_delivery_is_answered_with_the_original_result(api, hook, post):
    workflow = hook(response_mode="last_node", idempotency_key="trigger.body.order")
    first, again, other = (post({"order": order, "n": n}) for n, order in enumerate(["a", "a", "b"]))
    assert [answer.status_code for answer in (first, again, other)] == [200, 200, 200]
    assert (first.json(), again.json(), other.json()["n"]) == ({"order": "a", "n": 0}, first.json(), 2)
    assert len(api.ask("GET", f"/executions?workflow={workflow}")["items"]) == 2


def test_without_a_key_the_same_body_twice_is_two_executions(hook, post):
    hook()
    assert post({"n": 1}).json()["execution_ids"] != post({"n": 1}).json()["execution_ids"]
