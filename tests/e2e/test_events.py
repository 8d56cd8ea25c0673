"""Events over HTTP: what they start, once, and what is left of them when the process is killed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from itertools import pairwise

import httpx2
import pytest
from e2e.client import Api, is_problem, read_only, until
from support import plain_http
from support.service import Service

EVENT = {"specversion": "1.0", "source": "/shop", "type": "order.paid"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
SEED = 20261122


def event(event_id, kind="order.paid", data=None, **more):
    return {**EVENT, "id": event_id, "type": kind, "data": data, **more}


def waiting_for(event_type, *nodes, node="on", **params):
    """A workflow whose nodes follow one another after an event trigger."""
    trigger = {"id": node, "type": "event", "params": {"event_type": event_type, **params}}
    ids = [node, *(one["id"] for one in nodes)]
    edges = [{"source": a, "target": b} for a, b in pairwise(ids)]
    return {"nodes": [trigger, *nodes], "edges": edges}


def executions(api: Api, workflow: str) -> list[dict]:
    return api.ask("GET", f"/executions?workflow={workflow}&limit=200")["items"]


@pytest.fixture
def shop(api: Api, request):
    """A tenant of the test's own."""
    tenant = request.node.name.replace("_", "-").lower().split("[")[0][:60].strip("-")
    api.client.post("/api/v1/tenants", json={"id": tenant})
    return api.of(tenant)


def test_an_event_starts_every_workflow_that_waits_for_it(shop: Api):
    shop.save({"id": "exact", **waiting_for("order.paid")})
    shop.save({"id": "below", **waiting_for("order.*", map={"what": "{{ trigger.event.type }}"})})
    shop.save({"id": "big", **waiting_for("order.paid", filter="trigger.body.total > 100")})
    shop.save({"id": "other", **waiting_for("order.sent")})
    shop.save({"id": "draft", **waiting_for("order.paid"), "status": "draft"})
    answer = shop.ask(
        "POST", "/events", status=202, json=event("1", data={"total": 5}, subject="7", ext=3), headers=STRUCTURED
    )
    assert (answer["outcome"], answer["duplicate"]) == ("started", False)
    assert sorted(one["workflow_id"] for one in answer["deliveries"]) == ["below", "exact"]
    by_workflow = {one["workflow_id"]: shop.ends(one["execution_id"]) for one in answer["deliveries"]}
    assert by_workflow["exact"]["input"] == {"total": 5}
    assert by_workflow["below"]["input"] == {"what": "order.paid"}
    trigger = by_workflow["exact"]["trigger"]
    assert trigger["event"] == {"id": "1", "source": "/shop", "type": "order.paid", "subject": "7", "ext": 3}
    assert trigger["type"] == "event"
    (listed,) = shop.ask("GET", "/events")["items"]
    assert (listed["outcome"], listed["filtered"], listed["subject"]) == ("started", 1, "7")
    assert {one["execution_id"] for one in listed["deliveries"]} == set(answer["executions"])


def test_triggers_follow_save_publish_archive_and_delete(shop: Api):
    def outcome(number):
        return shop.ask("POST", "/events", json=event(str(number)))["outcome"]

    assert outcome(0) == "unmatched"
    shop.save({"id": "w", **waiting_for("order.paid")})
    assert outcome(1) == "started"
    shop.ask("POST", "/workflows/w/archive")
    assert outcome(2) == "unmatched"
    shop.ask("POST", "/workflows/w/publish")
    assert outcome(3) == "started"
    shop.save({"id": "w", **waiting_for("order.sent")})
    assert outcome(4) == "unmatched"
    shop.save({"id": "w", **waiting_for("*")})
    assert outcome(5) == "started"
    until("nothing runs", lambda: all(one["finished_at"] for one in executions(shop, "w")))
    shop.ask("DELETE", "/workflows/w", status=204)
    assert outcome(6) == "unmatched"


def test_the_same_event_starts_nothing_twice(service, shop: Api):
    shop.save({"id": "w", **waiting_for("order.*")})
    answers = []

    def send():
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(service.socket)), base_url="http://x") as client:
            answers.append(client.post(f"{shop.base}/events", json=event("same", data=1)))

    threads = [threading.Thread(target=send) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    documents = [answer.json() for answer in answers]
    assert sum(not document["duplicate"] for document in documents) == 1
    (started,) = executions(shop, "w")
    assert {tuple(document["executions"]) for document in documents} == {(started["id"],)}
    assert not shop.ask("POST", "/events", json=event("same", source="/another"))["duplicate"]
    assert not shop.ask("POST", "/events", json=event("another"))["duplicate"]
    assert len(executions(shop, "w")) == 3


def test_a_repeated_request_is_answered_alike(shop: Api):
    shop.save({"id": "w", **waiting_for("order.*")})
    headers = {"Idempotency-Key": "k1"}
    first, again = (shop.ask("POST", "/events", json=event("1"), headers=headers) for _ in range(2))
    assert first == again
    is_problem(shop.client.post(f"{shop.base}/events", json=event("2"), headers=headers), 422)
    assert len(executions(shop, "w")) == 1


def test_binary_mode_and_batches(shop: Api):
    shop.save({"id": "w", **waiting_for("order.*")})
    headers = {"ce-specversion": "1.0", "ce-id": "b1", "ce-source": "/s", "ce-type": "order.x", "ce-subject": "%C3%A9"}
    sent = {
        "json": ({"content-type": "application/json"}, b'{"n": 1}', {"n": 1}),
        "text": ({"content-type": "text/plain"}, b"plain", "plain"),
        "bytes": ({"content-type": "image/png"}, b"\x00\x01", {"base64": "AAE="}),
        "nothing": ({}, b"", None),
    }
    for name, (more, content, data) in sent.items():
        answer = shop.ask("POST", "/events", headers={**headers, **more, "ce-id": name}, content=content)
        execution = shop.ends(answer["executions"][0])
        assert (execution["input"], execution["trigger"]["event"]["subject"]) == (data, "é"), name
    batch = {"content-type": "application/cloudevents-batch+json"}
    items = shop.ask("POST", "/events", headers=batch, json=[event("x1"), event("x2", "else"), event("x1")])["items"]
    assert [(one["outcome"], one["duplicate"]) for one in items] == [
        ("started", False), ("unmatched", False), ("started", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "content", "status", "paths"),
    [
        (STRUCTURED, b"{}", 422, {"specversion", "id", "source", "type"}),
        (STRUCTURED, b"[]", 422, {""}),
        (STRUCTURED, b"{", 400, None),
        (STRUCTURED, b"", 400, None),
        ({"content-type": "application/xml"}, b"<x/>", 415, None),
        ({"content-type": "application/cloudevents+avro"}, b"x", 415, None),
        ({"ce-id": "1"}, b"", 422, {"ce-specversion", "ce-source", "ce-type"}),
        ({"content-type": "application/cloudevents-batch+json"}, b"{}", 422, {""}),
        (STRUCTURED, b"[" * 1000, 400, None),
    ],
)
def test_what_is_no_event_is_refused(api: Api, headers, content, status, paths):
    answer = api.client.post(f"{api.base}/events", headers=headers, content=content)
    document = is_problem(answer, status)
    if paths is not None:
        assert {issue["path"] for issue in document["errors"]} == paths


def test_who_may_send_and_read(api: Api, outside):
    keys = {
        scope: api.ask("POST", "/keys", json={"name": scope, "scopes": [scope]})["key"] for scope in ("read", "run")
    }
    for scope, statuses in {"read": (403, 200), "run": (202, 403)}.items():
        headers = {"Authorization": f"Bearer {keys[scope]}"}
        sent = outside.post(f"{api.base}/events", headers=headers, json=event(f"scope {scope}"))
        assert (sent.status_code, outside.get(f"{api.base}/events", headers=headers).status_code) == statuses
        assert outside.post("/api/v1/tenants/nobody/events", headers=headers, json=event("1")).status_code == 404
    assert outside.post(f"{api.base}/events", json=event("1")).status_code == 401
    assert api.client.post("/api/v1/tenants/nobody/events", json=event("1")).status_code == 404


def test_a_node_emits_and_a_chain_ends(shop: Api):
    shop.save(
        {
            "id": "first",
            **waiting_for(
                "order.paid",
                {
                    "id": "e",
                    "type": "emit",
                    "params": {
                        "event_type": "stock.{{ input.what }}",
                        "data": {"n": "{{ input.n + 1 }}"},
                        "subject": "s{{ input.n }}",
                    },
                },
            ),
        }
    )
    shop.save({"id": "second", **waiting_for("stock.low")})
    answer = shop.ask("POST", "/events", json=event("1", data={"n": 1, "what": "low"}))
    emitted = shop.ends(answer["executions"][0])["output"]
    (second,) = until("it starts", lambda: executions(shop, "second"))
    second = shop.ends(second["id"])
    assert second["input"] == {"n": 2} == emitted["data"]
    assert second["trigger"]["event"]["source"] == f"/tenants/{shop.tenant}/workflows/first"
    assert second["trigger"]["event"]["subject"] == "s1"
    (listed,) = shop.ask("GET", "/events?type=stock.low")["items"]
    assert (listed["emitted_by"], listed["event_id"]) == (answer["executions"][0], emitted["id"])

    shop.save({"id": "loop", **waiting_for("again", {"id": "e", "type": "emit", "params": {"event_type": "again"}})})
    shop.ask("POST", "/events", json=event("l", "again"))
    until("it ends", lambda: any(one["status"] == "failed" for one in executions(shop, "loop")))
    runs = executions(shop, "loop")
    assert Counter(one["status"] for one in runs) == {"completed": 16, "failed": 1}
    failed = next(one for one in runs if one["status"] == "failed")
    assert shop.execution(failed["id"])["error"]["type"] == "event_chain_too_long"


def test_what_fails_starts_its_error_workflow_once_and_no_further(shop: Api):
    handler = [
        {"id": "m", "type": "manual"},
        {"id": "err", "type": "error"},
        {"id": "fail", "type": "fail", "params": {"message": "{{ trigger.body.error.message }}"}},
    ]
    edges = [{"source": "m", "target": "fail"}, {"source": "err", "target": "fail"}]
    shop.save({"id": "handler", "nodes": handler, "edges": edges, "on_error": "second"})
    shop.save({"id": "second", "nodes": [{"id": "err", "type": "error"}], "edges": []})
    shop.save(
        {
            "id": "fails",
            **waiting_for("f", {"id": "x", "type": "fail", "params": {"message": "no luck"}}),
            "on_error": "handler",
        }
    )
    shop.save(
        {
            "id": "late",
            **waiting_for("t", {"id": "x", "type": "delay", "params": {"for": "1h"}}),
            "on_error": "handler",
            "timeout": "100ms",
        }
    )
    for kind, status in {"f": "failed", "t": "timed_out"}.items():
        before = {one["id"] for one in executions(shop, "handler")}
        (original,) = shop.ask("POST", "/events", json=event(kind, kind))["executions"]
        assert shop.ends(original)["status"] == status
        (handled,) = until(
            "it is handled", lambda before=before: {e["id"] for e in executions(shop, "handler")} - before
        )
        document = shop.ends(handled)
        assert (document["status"], document["trigger"]["node"]) == ("failed", "err")
        body = document["input"]
        assert (body["execution_id"], body["status"]) == (original, status)
        assert body["error"]["message"] == document["error"]["message"]
    time.sleep(0.3)
    assert len(executions(shop, "handler")) == 2
    assert executions(shop, "second") == []


def test_a_disabled_tenant_starts_nothing_new(api: Api, shop: Api, outside):
    slow = {"id": "x", "type": "delay", "params": {"for": "1s"}}
    shop.save({"id": "w", **waiting_for("order.*", slow)})
    hook = {"id": "hook", "type": "webhook", "params": {"path": "in", "auth": "none"}}
    shop.save({"id": "h", "nodes": [hook], "edges": []})
    (running,) = shop.ask("POST", "/events", json=event("1"))["executions"]
    path = f"/api/v1/tenants/{shop.tenant}"
    assert api.client.post(f"{path}/disable").json() == {"id": shop.tenant, "status": "disabled", "changed": True}
    assert api.client.post(f"{path}/disable").json()["changed"] is False
    is_problem(shop.client.post(f"{shop.base}/events", json=event("2")), 409, "conflict")
    is_problem(shop.client.post(f"{shop.base}/workflows/w/executions", json={}), 409, "conflict")
    is_problem(shop.command(running, "rerun"), 409, "conflict")
    is_problem(outside.post(f"/webhooks/{shop.tenant}/in"), 404, "not-found")
    listed = next(
        one for one in api.client.get("/api/v1/tenants?limit=200").json()["items"] if one["id"] == shop.tenant
    )
    assert (listed["status"], listed["counts"]["workflows"]) == ("disabled", 2)
    assert shop.ends(running)["status"] == "completed"
    api.client.post(f"{path}/enable")
    assert shop.ask("POST", "/events", json=event("2"))["outcome"] == "started"
    assert outside.post(f"/webhooks/{shop.tenant}/in").status_code == 202
    is_problem(api.client.post("/api/v1/tenants/nobody/disable"), 404)


def test_a_revoked_key_opens_nothing_from_that_moment_on(api: Api, outside):
    for _ in range(20):
        made = api.ask("POST", "/keys", json={"name": "k", "scopes": ["read"]})
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert outside.get(f"{api.base}/events", headers=headers).status_code == 200
        api.ask("DELETE", f"/keys/{made['id']}", status=204)
        assert outside.get(f"{api.base}/events", headers=headers).status_code == 401


def test_the_command_line(service, shop: Api):
    shop.save({"id": "w", **waiting_for("order.*")})
    sent = service.flowrun("events", "send", "order.paid", "--data", '{"n": 1}', "--id", "c1", "-t", shop.tenant)
    assert sent.stdout.startswith("Accepted: started\n  w: started ")
    again = service.flowrun("events", "send", "order.paid", "--id", "c1", "-t", shop.tenant)
    assert again.stdout.startswith("Known before: started")
    listed = service.flowrun("events", "list", "-t", shop.tenant).stdout
    assert "order.paid" in listed
    refused = service.flowrun("events", "send", "a b", "-t", shop.tenant, check=False)
    assert (refused.returncode, "type: must have" in refused.stderr) == (1, True)


class Load(threading.Thread):
    """Sends events until it is told to stop, each again and again until it is accepted."""

    def __init__(self, url: str, key: str, name: str) -> None:
        super().__init__(name=name)
        self.url, self.headers = url, {"Authorization": f"Bearer {key}"}
        self.accepted: list[str] = []
        """The executions that were started."""
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        with plain_http.client(self.url, headers=self.headers, timeout=30) as client:
            while not self.stopping.is_set():
                number += 1
                self._send(client, event(f"{self.name}-{number}", "in.x", {"n": number}))

    def _send(self, client: httpx2.Client, body: dict) -> None:
        for _ in range(1_000):
            try:
                answer = client.post("/api/v1/tenants/default/events", json=body)
            except httpx2.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 202:
                self.accepted += answer.json()["executions"]
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)


def kill_under_load(service: Service, key: str, kills: int) -> list[str]:
    """Kill the service at random moments; gives the executions that it said to have started."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    loads = [Load(service.url, key, f"load{number}") for number in range(3)]
    for load in loads:
        load.start()
    try:
        for _ in range(kills):
            time.sleep(dice.uniform(0.05, 0.6))
            service.kill()
            service.start()
    finally:
        for load in loads:
            load.stopping.set()
        for load in loads:
            load.join()
    return [execution for load in loads for execution in load.accepted]


@pytest.mark.slow
def test_killed_at_random_moments_every_event_and_every_failure_is_followed_once(tmp_path):
    """Each event starts one execution, which emits one event, which starts one more; each failure is handled once."""
    emit = {"id": "e", "type": "emit", "params": {"event_type": "made"}}
    fail = {"id": "x", "type": "fail", "params": {"message": "as meant"}}
    late = {"id": "x", "type": "delay", "params": {"for": "1h"}}
    documents = {
        "first": {**waiting_for("in.*", emit, fail), "on_error": "handler"},
        "second": {**waiting_for("made", late), "on_error": "handler", "timeout": "50ms"},
        "handler": {"nodes": [{"id": "err", "type": "error"}], "edges": []},
    }
    with Service(tmp_path / "data", log_level="warning") as service:
        with service.operator() as client:
            for name, document in documents.items():
                Api(client).save({"id": name, **document})
            key = Api(client).ask("POST", "/keys", json={"name": "load"})["key"]
        accepted = kill_under_load(service, key, 8)
        number = len(accepted)
        assert len(set(accepted)) == number > 20
        wanted = {"first": number, "second": number, "handler": 2 * number}
        with read_only(service.data_dir) as db:

            def counts():
                return dict(db.execute("SELECT workflow_id, count(*) FROM executions GROUP BY 1").fetchall())

            until("all have been followed", lambda: counts() == wanted, 60)
            until("no timer is left", lambda: db.execute("SELECT count(*) FROM timers").fetchone() == (0,))
            pending = db.execute("SELECT count(*) FROM events WHERE outcome = 'pending'").fetchone()
            handled = db.execute(
                "SELECT count(DISTINCT json_extract(data, '$.trigger.body.execution_id')) FROM execution_events"
                " JOIN executions ON executions.id = execution_id WHERE workflow_id = 'handler' AND seq = 1"
            ).fetchone()
            assert (pending, handled) == ((0,), (2 * number,))
            time.sleep(0.5)
            assert counts() == wanted
