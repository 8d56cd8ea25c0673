"""Who may start work by webhook: every scheme against the real process, from outside, as its sender would call it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from e2e.client import Api, is_problem, read_only, until
from support import plain_http
from support.service import Service
from support.signatures import SCHEMES, signed

BODY = json.dumps({"id": 7, "note": "Zoë"}, ensure_ascii=False).encode()
JSON = {"content-type": "application/json"}
CANARY = "canary-7f3a9d-verify-token"


def webhook(name, auth, **params):
    node = {"id": "in", "type": "webhook", "params": {"path": name, "auth": auth, **params}}
    return {"id": name, "name": name, "nodes": [node]}


def put_secret(api, name, value):
    api.ask("PUT", f"/secrets/{name}", json={"value": value})


@pytest.fixture(scope="module", autouse=True)
def webhooks(api):
    put_secret(api, "VERIFY", CANARY)
    for name, scheme in SCHEMES.items():
        new, old = f"{name}_new".upper(), f"{name}_old".upper()
        put_secret(api, new, scheme.secret)
        put_secret(api, old, scheme.other)
        api.save(webhook(f"one-{name}", {"type": name, "secret": f"{{{{ secrets.{new} }}}}", **scheme.params}))
        api.save(webhook(f"two-{name}", {"type": name, "secrets": [old, new], **scheme.params}))


def post(outside, path, headers, body=BODY, **more):
    return outside.post(f"/webhooks/default/{path}", content=body, headers={**JSON, **headers}, **more)


def log(api, workflow):
    (webhook_id,) = [one["id"] for one in api.ask("GET", f"/webhooks?workflow={workflow}")["items"]]
    return webhook_id, api.ask("GET", f"/webhooks/{webhook_id}/deliveries")["items"]


@pytest.mark.parametrize("name", SCHEMES)
def test_the_right_signature_starts_and_everything_else_is_one_and_the_same_401(api, outside, name):
    scheme = SCHEMES[name]
    query = {"params": dict(scheme.query)}
    good = signed(name, BODY)
    answer = post(outside, f"one-{name}", good, **query)
    assert answer.status_code == 202, answer.text
    wrong = [signed(name, BODY, scheme.other), {}]
    for key, value in good.items():
        if key not in {"webhook-id", "x-request-id"}:
            wrong += [{**good, key: value[:-1] + chr(ord(value[-1]) ^ 1)}, {**good, key: "x" * 5000}]
    if scheme.signs_time:
        wrong += [signed(name, BODY, at=int(time.time()) + off) for off in (-600, 600)]
    refusals = [post(outside, f"one-{name}", headers, **query) for headers in wrong]
    if scheme.signs_body:
        refusals.append(post(outside, f"one-{name}", good, BODY.replace(b"7", b"8")))
    assert {refusal.text for refusal in refusals} == {refusals[0].text}
    for refusal in refusals:
        is_problem(refusal, 401, "unauthenticated")
    outcomes = [one["outcome"] for one in log(api, f"one-{name}")[1]]
    assert outcomes == ["refused"] * len(refusals) + ["started"]
    assert len(api.ask("GET", f"/executions?workflow=one-{name}")["items"]) == 1


@pytest.mark.parametrize("name", SCHEMES)
def test_during_a_rotation_both_secrets_start(api, outside, name):
    scheme = SCHEMES[name]
    for secret in (scheme.secret, scheme.other):
        answer = post(outside, f"two-{name}", signed(name, BODY, secret), params=dict(scheme.query))
        assert answer.status_code == 202
    put_secret(api, f"{name}_old".upper(), SCHEMES[name].secret)
    is_problem(post(outside, f"two-{name}", signed(name, BODY, scheme.other), params=dict(scheme.query)), 401)
    put_secret(api, f"{name}_old".upper(), SCHEMES[name].other)


RAW_HEADERS = [b"\xff\xfe\xfd", b"Bearer \xff", b"Basic \x80\x81", b"t=\xe9,v1=x", b"x" * 20000, b"sha256=\xc3\xa9"]


@pytest.mark.parametrize("name", SCHEMES)
def test_malformed_header_bytes_are_401_never_500(service, name):
    keys = list(signed(name, BODY))
    with plain_http.client(service.url) as client:
        for raw in RAW_HEADERS:
            headers = [(key.encode(), raw) for key in keys]
            answer = client.post(f"/webhooks/default/one-{name}", content=BODY, headers=headers)
            is_problem(answer, 401, "unauthenticated")


def test_a_refused_request_learns_nothing_of_its_body(outside):
    assert post(outside, "one-github", {}, b"{not json").status_code == 401
    assert post(outside, "one-github", signed("github", b"{not json"), b"{not json").status_code == 400


def test_a_secret_that_is_not_there_refuses_and_the_log_says_so(api, outside):
    api.save(webhook("lost", {"type": "bearer", "secrets": ["NOT_STORED"]}))
    is_problem(post(outside, "lost", {"authorization": "Bearer x"}), 401)
    assert "NOT_STORED" in log(api, "lost")[1][0]["reason"]


def test_each_workflow_on_a_route_judges_for_itself(api, outside):
    for number, name in enumerate(("github", "bearer")):
        params = {"type": name, "secrets": [f"{name.upper()}_NEW"], **SCHEMES[name].params}
        api.save({**webhook("shared", params), "id": f"shared-{number}"})
    answer = post(outside, "shared", signed("bearer", BODY))
    assert answer.status_code == 202
    assert len(answer.json()["execution_ids"]) == 1
    assert [one["outcome"] for one in log(api, "shared-0")[1]] == ["refused"]
    assert [one["outcome"] for one in log(api, "shared-1")[1]] == ["started"]
    is_problem(post(outside, "shared", {}), 401)


def test_credentials_are_not_kept_not_even_those_of_a_header_of_their_own(api, outside):
    api.save(webhook("own-header", {"type": "bearer", "secrets": ["BEARER_NEW"], "header": "X-Shop-Token"}))
    answer = post(outside, "own-header", {"x-shop-token": SCHEMES["bearer"].secret, "x-other": "kept"})
    found = api.execution(answer.json()["execution_ids"][0])["trigger"]["headers"]
    assert (found["x-shop-token"], found["x-other"]) == ("[redacted]", "kept")


def test_metas_handshake(api, outside):
    asked = {"hub.mode": "subscribe", "hub.verify_token": CANARY, "hub.challenge": "1158201444"}
    answer = outside.get("/webhooks/default/one-meta", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    before = len(log(api, "one-meta")[1])
    for wrong in ({"hub.verify_token": "guess"}, {"hub.challenge": ""}, {"hub.verify_token": "é☃"}):
        is_problem(outside.get("/webhooks/default/one-meta", params={**asked, **wrong}), 401)
    assert len(log(api, "one-meta")[1]) == before + 3
    assert outside.get("/webhooks/default/one-meta").status_code == 405
    assert outside.get("/webhooks/default/one-github", params=asked).status_code == 405


def test_slacks_handshake(outside):
    asked = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB", "token": "x"}).encode()
    answer = post(outside, "one-slack", signed("slack", asked), asked)
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")
    is_problem(post(outside, "one-slack", signed("slack", asked, "guess"), asked), 401)


def test_unknown_tenants_and_paths_are_404(outside):
    is_problem(post(outside, "nowhere", {}), 404)
    is_problem(outside.post("/webhooks/nobody/one-github", content=BODY), 404)


def test_too_many_requests_are_429_with_the_time_to_wait(api, outside):
    api.save(webhook("slow", "none", rate_limit={"per_second": 0.5, "burst": 2}))
    sent = [post(outside, "slow", {}) for _ in range(6)]
    assert [one.status_code for one in sent] == [202, 202, 429, 429, 429, 429]
    is_problem(sent[-1], 429, "too-many-requests")
    assert sent[-1].headers["retry-after"] in {"1", "2"}
    assert [one["outcome"] for one in log(api, "slow")[1]] == ["refused", "started", "started"]


def test_who_proves_nothing_uses_up_nobodys_rate(api, outside):
    api.save(webhook("kept", {"type": "github", "secrets": ["GITHUB_NEW"]}, rate_limit={"per_second": 0.1, "burst": 1}))
    forged = [post(outside, "kept", signed("github", BODY, "guess")).status_code for _ in range(3)]
    sent = [post(outside, "kept", {**signed("github", BODY), "x-github-delivery": f"d-{n}"}) for n in range(2)]
    assert [*forged, *(one.status_code for one in sent)] == [401, 401, 401, 202, 429]
    is_problem(sent[1], 429, "too-many-requests")


def test_a_literal_secret_is_not_saved(api):
    document = webhook("literal", {"type": "github", "secret": "s3cret"})
    answer = api.client.put(f"{api.base}/workflows/literal", json=document)
    (issue,) = is_problem(answer, 422)["errors"]
    assert issue["path"].endswith("params.auth.secret")
    assert "definitions can be read" in issue["message"]


def test_a_delivery_can_be_repeated_by_hand(api, service, outside):
    api.save(webhook("again", {"type": "github", "secrets": ["GITHUB_NEW"]}))
    first = post(outside, "again", {**signed("github", BODY), "x-github-delivery": "d-1", "x-github-event": "push"})
    again = post(outside, "again", {**signed("github", BODY), "x-github-delivery": "d-1"})
    assert again.json()["execution_ids"] == first.json()["execution_ids"]
    webhook_id, (duplicate, started) = log(api, "again")
    assert (duplicate["outcome"], duplicate["execution_id"]) == ("duplicate", started["execution_id"])
    assert (started["event_type"], started["idempotency_key"]) == ("push", "d-1")
    path = f"/webhooks/{webhook_id}/deliveries/{started['id']}/redeliver"
    key = {"Idempotency-Key": "once"}
    repeats = [api.ask("POST", path, headers=key, json={}) for _ in range(2)]
    assert repeats[0] == repeats[1]
    assert repeats[0]["execution_id"] != started["execution_id"]
    new, old = (api.execution(one)["trigger"] for one in (repeats[0]["execution_id"], started["execution_id"]))
    assert new == old
    service.flowrun("webhooks", "redeliver", webhook_id, duplicate["id"])
    shown = service.flowrun("webhooks", "deliveries", webhook_id).stdout
    assert shown.count("redelivery of") == 2
    post(outside, "again", {})
    refused = log(api, "again")[1][0]
    answer = api.client.post(f"{api.base}/webhooks/{webhook_id}/deliveries/{refused['id']}/redeliver", json={})
    is_problem(answer, 409)


def test_a_listener_is_shown_the_next_request_and_nothing_starts(api, service, outside):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.flowrun, "webhooks", "listen", "try/{id}", "-o", "json")
        sent = until("somebody listens", lambda: _heard(outside, "try/7", signed("github", BODY)))
        assert sent == {"execution_ids": [], "executions": []}
        shown = json.loads(waiting.result(20).stdout)
    assert (shown["method"], shown["path"], shown["body"]) == ("POST", "try/7", json.loads(BODY))
    assert shown["signed_for"] == ["meta"]
    assert post(outside, "try/7", {}).status_code == 404
    answer = api.ask("POST", "/webhooks:listen", json={"path": "try", "timeout": 0.05})
    assert answer == {"delivery": None}


def test_a_listener_is_not_shown_what_proves_to_a_webhook_who_sends(api, service, outside):
    api.save(webhook("shown", {"type": "bearer", "secrets": ["BEARER_NEW"], "header": "X-Shop-Token"}))
    headers = {"x-shop-token": SCHEMES["bearer"].secret, "authorization": "Bearer x", "x-other": "kept"}
    ended = threading.Event()

    def send_until_heard():
        while not ended.is_set():
            post(outside, "shown", headers)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_until_heard)
        shown = json.loads(service.flowrun("webhooks", "listen", "shown", "-o", "json").stdout)
        ended.set()
        sending.result(20)
    told = shown["headers"]
    assert (told["x-shop-token"], told["authorization"], told["x-other"]) == ("[redacted]", "[redacted]", "kept")


def _heard(outside, path, headers):
    answer = post(outside, path, headers)
    return answer.json() if answer.status_code == 200 else None


@pytest.fixture
def own(tmp_path) -> Iterator[Service]:
    with Service(tmp_path / "data") as service:
        yield service


@pytest.mark.parametrize("after", [0.0, 0.02, 0.06])
def test_fifty_deliveries_of_one_key_start_one_execution_also_over_a_kill(own, after):
    with own.operator() as client:
        api = Api(client)
        put_secret(api, "GITHUB", SCHEMES["github"].secret)
        api.save(webhook("orders", {"type": "github", "secrets": ["GITHUB"]}))
    headers = {**JSON, **signed("github", BODY), "x-github-delivery": "delivery-1", "x-github-event": "push"}
    found: list[str] = []
    started = threading.Barrier(51)

    def deliver():
        with plain_http.client(own.url, timeout=5) as client:
            started.wait()
            until("it is accepted", lambda: send(client), seconds=30)

    def send(client):
        try:
            answer = client.post("/webhooks/default/orders", content=BODY, headers=headers)
        except httpx2.HTTPError:
            return False
        assert answer.status_code in {202, 503}, answer.text
        found.extend(answer.json()["execution_ids"] if answer.status_code == 202 else [])
        return answer.status_code == 202

    with ThreadPoolExecutor(50) as pool:
        sent = [pool.submit(deliver) for _ in range(50)]
        started.wait()
        time.sleep(after)
        own.kill()
        own.start()
        for one in sent:
            one.result(60)
    assert len(found) == 50
    assert len(set(found)) == 1
    own.kill()
    own.start()
    with plain_http.client(own.url, timeout=5) as client:
        assert send(client)
    assert len(set(found)) == 1
    with read_only(own.data_dir) as db:
        assert db.execute("SELECT count(*) FROM executions").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM webhook_events WHERE outcome = 'started'").fetchone() == (1,)
