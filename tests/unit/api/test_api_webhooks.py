"""The door for webhooks."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from unit.api.hooks import hook

from flowrun.commands.start_called import CALLS
from flowrun.persistence.expiry import delete_executions

RESPOND = {"id": "r", "type": "respond", "params": {"status": 201, "headers": {"X-Id": "7"}, "body": {"ok": True}}}
NOOP = {"id": "n", "type": "noop"}


async def execution(api, answer):
    (execution_id,) = answer.json()["execution_ids"]
    return (await api.operator.get(f"/api/v1/tenants/acme/executions/{execution_id}")).json()


async def test_immediate_answers_202_and_the_execution_exists(api):
    await api.save("w", [hook("orders/{id}"), NOOP], [("hook", "n")])
    answer = await api.operator.post("/webhooks/acme/orders/a%2Fb?x=1&x=2&y=", json={"total": 5})
    assert answer.status_code == 202
    found = await execution(api, answer)
    assert answer.json()["executions"][0]["status_url"] == f"/api/v1/tenants/acme/executions/{found['id']}"
    assert found["input"] == {"total": 5}
    trigger = found["trigger"]
    assert trigger["type"] == "webhook"
    assert trigger["method"] == "POST"
    assert trigger["path"] == {"id": "a/b"}
    assert trigger["query"] == {"x": ["1", "2"], "y": ""}
    assert trigger["received_at"].endswith("Z")


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/vnd.x+json; charset=utf-8", b"[1]", [1]),
        ("application/x-www-form-urlencoded", b"a=1&b=%C3%A9&a=2", {"a": ["1", "2"], "b": "é"}),
        ("application/x-www-form-urlencoded; charset=ISO-8859-1", b"a=%E9&b=\xe9", {"a": "é", "b": "é"}),
        ("application/x-www-form-urlencoded; charset=punycode", b"a=%C3%A9", {"a": "é"}),
        ("text/plain", "grüß".encode(), "grüß"),
        ('text/plain; charset="windows-1252"', "grüß €".encode("cp1252"), "grüß €"),
        ("text/plain; charset=hex", b"00", "00"),
        ("text/plain", b"\xff\x00", {"base64": "/wA="}),
        ("application/octet-stream", b"\x01\x02", {"base64": "AQI="}),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--b--",
            {"a": "1"},
        ),
        (None, b'{"a": 1}', {"a": 1}),
        (None, b"plain", "plain"),
        (None, b"", None),
    ],
)
async def test_bodies_become_json_by_their_content_type(api, content_type, body, expected):
    await api.save("w", [hook()])
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await api.operator.post("/webhooks/acme/in", content=body, headers=headers)
    assert (await execution(api, answer))["input"] == expected


async def test_secret_headers_are_not_stored(api):
    await api.save("w", [hook()])
    sent = {"authorization": "Bearer x", "cookie": "a=b", "x-hub-signature-256": "sha256=1", "x-plain": "p"}
    headers = (await execution(api, await api.operator.post("/webhooks/acme/in", headers=sent)))["trigger"]["headers"]
    assert {headers[name] for name in ("authorization", "cookie", "x-hub-signature-256")} == {"[redacted]"}
    assert headers["x-plain"] == "p"


async def test_nothing_there_is_404_and_another_method_405(api):
    await api.save("w", [hook(methods=["PUT", "GET"])])
    for path in ("/webhooks/acme/out", "/webhooks/other/in", "/webhooks/", "/webhooks/acme"):
        answer = await api.operator.post(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = await api.operator.post("/webhooks/acme/in")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


async def test_every_workflow_on_the_route_starts(api):
    await api.save("a", [hook()])
    await api.save("b", [hook()])
    answer = await api.operator.post("/webhooks/acme/in", json={})
    assert len(set(answer.json()["execution_ids"])) == 2


async def test_draft_and_archived_workflows_do_not_listen(api):
    await api.save("a", [hook()], status="draft")
    assert (await api.operator.post("/webhooks/acme/in")).status_code == 404
    await api.operator.post("/api/v1/tenants/acme/workflows/a/publish")
    assert (await api.operator.post("/webhooks/acme/in")).status_code == 202
    await api.operator.post("/api/v1/tenants/acme/workflows/a/archive")
    assert (await api.operator.post("/webhooks/acme/in")).status_code == 404


async def test_filter_and_map(api):
    mapped = {"twice": "{{ trigger.body.n * 2 }}"}
    await api.save("w", [hook(filter="trigger.body.n > 1", map=mapped)])
    passed = await api.operator.post("/webhooks/acme/in", json={"n": 2})
    assert (await execution(api, passed))["input"] == {"twice": 4}
    assert (await execution(api, passed))["trigger"]["body"] == {"n": 2}
    held = await api.operator.post("/webhooks/acme/in", json={"n": 1})
    assert (held.status_code, held.json()) == (200, {"execution_ids": [], "executions": []})


async def test_a_filter_that_cannot_be_evaluated_is_a_500_without_internals(api, caplog):
    await api.save("w", [hook(filter="trigger.body + 1")])
    answer = await api.operator.post("/webhooks/acme/in", json={"a": 1})
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:flowrun:problem:delivery-failed"
    assert "could not take this request" in caplog.text


@pytest.mark.parametrize("header", ["Idempotency-Key", "webhook-id"])
async def test_an_explicit_key_starts_once(api, header):
    await api.save("w", [hook()])
    sent = [await api.operator.post("/webhooks/acme/in", json={"n": n}, headers={header: "k"}) for n in (1, 2)]
    assert sent[0].json()["execution_ids"] == sent[1].json()["execution_ids"]
    assert [one.json()["executions"][0]["outcome"] for one in sent] == ["started", "duplicate"]


async def test_fifty_deliveries_at_once_with_one_key_start_one_execution(api):
    await api.save("w", [hook(idempotency_key="trigger.body.id")])
    sent = await asyncio.gather(*(api.operator.post("/webhooks/acme/in", json={"id": 1}) for _ in range(50)))
    assert len({one.json()["execution_ids"][0] for one in sent}) == 1
    listed = (await api.operator.get("/api/v1/tenants/acme/executions")).json()
    assert len(listed["items"]) == 1


async def test_response_node_answers_with_status_headers_and_body(api):
    await api.save("w", [hook(response_mode="response_node"), RESPOND], [("hook", "r")])
    answer = await api.operator.post("/webhooks/acme/in", json={})
    assert (answer.status_code, answer.headers["x-id"], answer.json()) == (201, "7", {"ok": True})
    assert answer.headers["content-type"] == "application/json"


async def test_a_synchronous_duplicate_gets_the_same_answer(api):
    await api.save("w", [hook(response_mode="response_node"), RESPOND], [("hook", "r")])
    sent = [await api.operator.post("/webhooks/acme/in", headers={"webhook-id": "1"}) for _ in range(2)]
    assert [one.status_code for one in sent] == [201, 201]


async def test_a_duplicate_whose_original_was_deleted_is_accepted_and_starts_nothing(api):
    await api.save("w", [hook(response_mode="response_node"), RESPOND], [("hook", "r")])
    first = await api.operator.post("/webhooks/acme/in", headers={"webhook-id": "1"})
    (original,) = (await api.operator.get("/api/v1/tenants/acme/executions")).json()["items"]
    await api.runtime.engine.ending(original["id"], response=False, timeout=5)
    deleted = await api.runtime.context.writer.transact(
        partial(delete_executions, execution_ids=[original["id"]], ended_before=2**62, calls=CALLS)
    )
    again = await api.operator.post("/webhooks/acme/in", headers={"webhook-id": "1"})
    assert (first.status_code, deleted, again.status_code) == (201, 1, 202)
    assert again.json()["execution_ids"] == [original["id"]]
    assert (await api.operator.get("/api/v1/tenants/acme/executions")).json()["items"] == []


async def test_last_node_answers_with_the_output(api):
    work = {"id": "w", "type": "work"}
    await api.save("w", [hook(response_mode="last_node"), work], [("hook", "w")])
    answer = await api.operator.post("/webhooks/acme/in", json=[1])
    assert (answer.status_code, answer.json()) == (200, {"worked": [1]})


@pytest.mark.parametrize("mode", ["last_node", "response_node"])
async def test_a_failure_is_500_with_the_id_and_no_internals(api, mode):
    work = {"id": "w", "type": "work", "params": {"fail": True}}
    await api.save("w", [hook(response_mode=mode), work, RESPOND], [("hook", "w"), ("w", "r")])
    answer = await api.operator.post("/webhooks/acme/in", json={})
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:flowrun:problem:execution-failed"
    assert answer.json()["execution_id"]
    assert "secret" not in answer.text


async def test_a_skipped_response_node_is_500_no_response(api):
    condition = {"id": "i", "type": "if", "params": {"condition": "false"}}
    nodes = [hook(response_mode="response_node"), condition, RESPOND, NOOP]
    document = {
        "nodes": nodes,
        "edges": [
            {"source": "hook", "target": "i"},
            {"source": "i", "target": "r", "source_handle": "true"},
            {"source": "i", "target": "n", "source_handle": "false"},
        ],
    }
    assert (await api.operator.put("/api/v1/tenants/acme/workflows/w", json=document)).status_code == 201
    answer = await api.operator.post("/webhooks/acme/in", json={})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:flowrun:problem:no-response")


async def test_the_sync_timeout_becomes_202_and_the_execution_goes_on(api):
    work = {"id": "w", "type": "work", "params": {"hold": True}}
    await api.save("w", [hook(response_mode="last_node", sync_timeout=0.05), work], [("hook", "w")])
    answer = await api.operator.post("/webhooks/acme/in", json={})
    assert answer.status_code == 202
    assert (await execution(api, answer))["status"] == "running"
    api.work.let_go.set()
    execution_id = answer.json()["execution_ids"][0]
    ending = await api.runtime.engine.ending(execution_id, response=False, timeout=5)
    assert ending.status == "completed"


async def test_head_has_headers_and_no_body(api):
    await api.save("w", [hook(methods=["HEAD"])])
    answer = await api.operator.head("/webhooks/acme/in")
    assert (answer.status_code, answer.content) == (202, b"")


async def test_a_limit_that_rejects_is_429_and_in_the_log(api):
    work = {"id": "w", "type": "work", "params": {"hold": True}}
    await api.save("w", [hook(), work], [("hook", "w")], concurrency={"limit": 1, "at_limit": "reject"})
    sent = [await api.operator.post("/webhooks/acme/in", json={}) for _ in range(2)]
    assert [one.status_code for one in sent] == [202, 429]
    assert sent[1].headers["retry-after"] == "1"
    (listed,) = (await api.operator.get("/api/v1/tenants/acme/webhooks")).json()["items"]
    log = (await api.operator.get(f"/api/v1/tenants/acme/webhooks/{listed['id']}/deliveries")).json()["items"]
    assert [one["outcome"] for one in log] == ["failed", "started"]
    assert listed["last_triggered_at"] == log[0]["received_at"]


async def test_the_log_has_pages_and_belongs_to_its_tenant(api):
    await api.save("w", [hook(filter="trigger.body.n > 1")])
    for number in range(5):
        await api.operator.post("/webhooks/acme/in", json={"n": number})
    (listed,) = (await api.operator.get("/api/v1/tenants/acme/webhooks")).json()["items"]
    path = f"/api/v1/tenants/acme/webhooks/{listed['id']}"
    found = (await api.operator.get(f"{path}/deliveries?limit=2")).json()
    rest = (await api.operator.get(f"{path}/deliveries", params={"cursor": found["next"]})).json()
    assert [one["outcome"] for one in found["items"] + rest["items"]] == ["started"] * 3 + ["filtered"] * 2
    assert rest["next"] is None
    only = (await api.operator.get(f"{path}/deliveries?outcome=filtered")).json()
    assert len(only["items"]) == 2
    assert (await api.operator.get(path)).json()["config"]["filter"] == "trigger.body.n > 1"
    await api.operator.post("/api/v1/tenants", json={"id": "other"})
    async with api.client(key=await api.key("read", "run", "write", "admin", tenant="other")) as foreign:
        for part in ("", "/deliveries"):
            own = path.replace("acme", "other") + part
            assert [(await foreign.get(one)).status_code for one in (path + part, own)] == [404, 404]
        repeat = f"{path}/deliveries/{only['items'][0]['id']}/redeliver"
        for one in (repeat, repeat.replace("acme", "other")):
            assert (await foreign.post(one, json={})).status_code == 404
    again = await api.operator.post(repeat, json={})
    assert (again.status_code, again.json()["outcome"], again.json()["execution_id"]) == (202, "filtered", None)


async def test_what_cannot_be_read_is_in_the_log_too(api):
    await api.save("w", [hook()])
    sent = {"content-type": "application/json"}
    assert (await api.operator.post("/webhooks/acme/in", content=b"{", headers=sent)).status_code == 400
    assert (await api.operator.post("/webhooks/acme/in", content=b"x" * 1_100_000)).status_code == 413
    (listed,) = (await api.operator.get("/api/v1/tenants/acme/webhooks")).json()["items"]
    log = (await api.operator.get(f"/api/v1/tenants/acme/webhooks/{listed['id']}/deliveries")).json()["items"]
    assert [one["outcome"] for one in log] == ["refused", "refused"]
    assert "more than" in log[0]["reason"]
    assert "not valid JSON" in log[1]["reason"]


async def test_the_event_of_a_provider_stands_beside_the_body(api):
    await api.save("w", [hook(map={"who": "{{ trigger.event.customer_id }}"})])
    body = {"object": "instagram", "entry": [{"messaging": [{"sender": {"id": "c"}, "message": {"mid": "m"}}]}]}
    found = [await api.operator.post("/webhooks/acme/in", json=body) for _ in range(2)]
    document = await execution(api, found[0])
    assert document["input"] == {"who": "c"}
    assert document["trigger"]["body"] == body
    assert document["trigger"]["event"]["provider"] == "instagram"
    assert found[1].json()["executions"][0]["outcome"] == "duplicate"
