"""The operations of the route table, over the real engine."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from sqlalchemy import delete
from unit.api.hooks import hook

from flowrun.bus import OPERATOR
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.persistence import tables as t
from flowrun.persistence.conversations import ConversationStore

BASE = "/api/v1/tenants/acme"
MANUAL = {"id": "m", "type": "manual"}
WORK = {"id": "w", "type": "work"}
HELD = {"id": "w", "type": "work", "params": {"hold": True}}
FAILS = {"id": "w", "type": "work", "params": {"fail": True}}


async def start(api, *, wait=5, nodes=(MANUAL, WORK), **body):
    await api.save("flow", list(nodes), [("m", "w")])
    return await api.operator.post(f"{BASE}/workflows/flow/executions?wait={wait}", json=body)


@pytest.mark.parametrize(
    "header",
    [None, "Bearer", "Bearer x", "Basic abc", "Bearer fr_aaaaaaaaaaaa_" + "0" * 48, "fr_aaaaaaaaaaaa_" + "0" * 48],
)
async def test_without_a_valid_key_there_is_nothing_but_401(api, header):
    async with api.client() as client:
        headers = {} if header is None else {"authorization": header}
        answer = await client.get(f"{BASE}/executions?bad=1", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:flowrun:problem:unauthenticated"
    said = "No API key was given" if header is None else "This API key is not valid"
    assert answer.json()["detail"].startswith(said)
    assert "`flowrun keys create`" in answer.json()["detail"]


async def test_a_key_opens_what_its_scopes_say_in_its_tenant_alone(api):
    await api.operator.post("/api/v1/tenants", json={"id": "globex"})
    async with api.client(key=await api.key("read")) as client:
        assert (await client.get(f"{BASE}/executions")).status_code == 200
        assert (await client.get("/api/v1/tenants/globex/executions")).status_code == 404
        assert (await client.get("/api/v1/tenants/nobody/executions")).status_code == 404
        assert (await client.get("/api/v1/tenants")).status_code == 403
        assert (await client.get("/api/v1/keys")).status_code == 404
        assert (await client.post(f"{BASE}/workflows/x/executions", json={})).status_code == 403
        assert (await client.get(f"{BASE}/keys")).status_code == 403


async def test_a_revoked_key_opens_nothing(api):
    made = (await api.operator.post(f"{BASE}/keys", json={"name": "ci"})).json()
    async with api.client(key=made["key"]) as client:
        assert (await client.get(f"{BASE}/workflows")).status_code == 200
        assert (await api.operator.delete(f"{BASE}/keys/{made['id']}")).status_code == 204
        assert (await client.get(f"{BASE}/workflows")).status_code == 401
    listed = (await api.operator.get(f"{BASE}/keys")).json()["items"]
    assert [key["status"] for key in listed] == ["revoked"]
    assert "secret" not in str(listed)


async def test_an_admin_key_cannot_grant_more_than_it_has(api):
    async with api.client(key=await api.key("admin")) as client:
        answer = await client.post(f"{BASE}/keys", json={"name": "x", "scopes": ["write"]})
    assert answer.status_code == 403


async def test_a_repeated_key_creation_does_not_show_the_secret_again(api):
    sent = [await api.operator.post(f"{BASE}/keys", json={"name": "x"}, headers={"idempotency-key": "1"}) for _ in "ab"]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    assert [one.json()["key"] is None for one in sent] == [False, True]


async def test_an_unknown_address_and_method(api):
    assert (await api.operator.get("/api/v1/nothing")).json()["type"] == "urn:flowrun:problem:not-found"
    answer = await api.operator.patch(f"{BASE}/executions")
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


async def test_everything_wrong_is_told_at_once_with_suggestions(api):
    answer = await api.operator.get(f"{BASE}/executions?statuss=x&limit=many&since=yesterday&status=faild")
    assert answer.status_code == 422
    errors = {error["path"]: error for error in answer.json()["errors"]}
    assert errors.keys() == {"statuss", "limit", "since", "status"}
    assert errors["statuss"]["suggestion"] == "status"
    assert errors["status"]["suggestion"] == "failed"
    answer = await api.operator.post(f"{BASE}/workflows/w/executions", json={"inputs": {}, "version": "1"})
    assert {error["path"] for error in answer.json()["errors"]} == {"inputs", "version"}


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"content-type": "application/json"}, 400),
        (b"[" * 300 + b"]" * 300, {"content-type": "application/json"}, 422),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b" " * (1024 * 1024 + 1), {"content-type": "application/json"}, 413),
        (b"{}", {"idempotency-key": "a b"}, 422),
    ],
)
async def test_bad_bodies(api, content, headers, status):
    answer = await api.operator.post(f"{BASE}/workflows/w/executions", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_start_and_wait_gives_the_result(api):
    answer = await start(api, input={"n": 1})
    assert answer.status_code == 200
    document = answer.json()
    assert document["status"] == "completed"
    assert document["output"] == {"worked": {"n": 1}}
    assert document["id"] == document["execution_id"]
    assert document["triggered_by"] == "operator"
    assert document["progress"]["completed"] == 2


async def test_start_without_waiting_is_202_with_a_location(api):
    answer = await start(api, wait=0)
    assert (answer.status_code, answer.headers["location"]) == (202, answer.json()["status_url"])


async def test_waiting_ends_with_202_when_it_takes_too_long(api):
    assert (await start(api, wait=0.05, nodes=(MANUAL, HELD))).status_code == 202


async def test_an_idempotent_start_starts_once(api):
    await api.save("flow", [MANUAL, WORK], [("m", "w")])
    url, key = f"{BASE}/workflows/flow/executions", {"idempotency-key": "k"}
    first = await api.operator.post(url, json={"input": 1}, headers=key)
    again = await api.operator.post(url + "?wait=5", json={"input": 1}, headers=key)
    other = await api.operator.post(url, json={"input": 2}, headers=key)
    assert first.json()["execution_id"] == again.json()["execution_id"]
    assert again.status_code == 200
    assert (other.status_code, other.json()["type"]) == (422, "urn:flowrun:problem:idempotency_key_reused")


async def test_a_draft_cannot_be_started(api):
    await api.save("flow", [MANUAL, WORK], [("m", "w")], status="draft")
    answer = await api.operator.post(f"{BASE}/workflows/flow/executions", json={})
    assert answer.status_code == 409
    assert "draft" in answer.json()["detail"]


async def test_declared_inputs_are_checked_and_filled_in(api):
    inputs = {"name": {"type": "string", "required": True}, "limit": {"type": "integer", "default": 10}}
    nodes = ({**MANUAL, "params": {"inputs": inputs}}, WORK)
    answer = await start(api, nodes=nodes, input={"limit": 1.5})
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json()["errors"]} == {"input.name", "input.limit"}
    answer = await start(api, nodes=nodes, input={"name": "x"})
    assert answer.json()["input"] == {"name": "x", "limit": 10}
    assert (await start(api, nodes=nodes, input=[1])).status_code == 422


async def test_commands_and_their_refusals(api):
    started = (await start(api, wait=0, nodes=(MANUAL, HELD))).json()
    one = started["status_url"]
    assert (await api.operator.post(f"{one}/pause", json={"reason": "lunch"})).json()["status"] == "paused"
    assert (await api.operator.post(f"{one}/pause")).status_code == 202
    assert (await api.operator.get(one)).json()["reason"] == "lunch"
    assert (await api.operator.post(f"{one}/resume")).json()["status"] == "running"
    assert (await api.operator.post(f"{one}/retry")).status_code == 409
    assert (await api.operator.post(f"{one}/terminate")).json()["status"] == "cancelled"
    refused = await api.operator.post(f"{one}/pause")
    assert refused.status_code == 409
    assert "cancelled" in refused.json()["detail"]
    other = one.replace("acme", "globex")
    assert (await api.operator.post(f"{other}/cancel")).status_code == 404


async def test_a_held_node_is_skipped_with_an_output(api):
    one = (await start(api, wait=0, nodes=(MANUAL, HELD))).json()["status_url"]
    answer = await api.operator.post(f"{one}/nodes/w/skip", json={"output": {"by": "hand"}})
    assert answer.status_code == 202
    assert (await api.operator.get(one)).json()["output"] == {"by": "hand"}
    node = (await api.operator.get(f"{one}/nodes/w")).json()
    assert (node["status"], node["output"], node["attempts"][0]["status"]) == ("completed", {"by": "hand"}, "cancelled")


async def test_rerun_uses_results_again(api):
    nodes = (MANUAL, WORK, {"id": "t", "type": "transform", "params": {"value": "{{ [input.worked] }}"}})
    await api.save("flow", list(nodes), [("m", "w"), ("w", "t")])
    first = (await api.operator.post(f"{BASE}/workflows/flow/executions?wait=5", json={"input": 7})).json()
    again = await api.operator.post(f"{first['status_url']}/rerun?wait=5", json={"from_node": "t"})
    assert (again.json()["rerun_of"], again.json()["output"]) == (first["id"], [7])
    history = (await api.operator.get(f"{again.json()['status_url']}/history")).json()["items"]
    assert "NodeQueued" not in [event["type"] for event in history]
    edited = await api.operator.post(f"{first['status_url']}/rerun?wait=5", json={"input": None, "version": "current"})
    assert edited.json()["rerun_of"] == first["id"]
    missing = await api.operator.post(f"{first['status_url']}/rerun", json={"from_node": "nope"})
    assert missing.status_code == 404


async def rerun_current(api, edges, new, more=(), **body):
    """The answer to a rerun after the workflow was edited: its edges are now `new`, and it has `more` nodes."""
    nodes = [MANUAL, {"id": "i", "type": "if", "params": {"condition": "true"}}, *EDITED]
    await _save(api, nodes, edges)
    first = (await api.operator.post(f"{BASE}/workflows/flow/executions?wait=5", json={"input": 7})).json()
    await _save(api, [*nodes, *more], new)
    again = await api.operator.post(f"{first['status_url']}/rerun?wait=5", json={"version": "current", **body})
    assert again.json()["version"] == 2
    listed = (await api.operator.get(f"{again.json()['status_url']}/nodes")).json()
    return again.json(), {(node["node_id"], node["iteration"]): node["status"] for node in listed["items"]}


EDITED = (
    {"id": "b", "type": "work"},
    {"id": "z", "type": "work"},
    {"id": "l", "type": "for_each", "params": {"items": "[1]"}},
    {"id": "x", "type": "work"},
)
N = {"id": "n", "type": "work"}


async def _save(api, nodes, edges):
    drawn = [{"source": a, "target": b, **({"source_handle": port} if port else {})} for a, port, b in edges]
    message = SaveWorkflow(tenant_id="acme", workflow_id="flow", document={"nodes": nodes, "edges": drawn})
    await api.runtime.mediator.send(message, OPERATOR)


async def test_rerun_of_the_current_version_runs_a_node_that_was_inserted(api):
    rest = [("i", "true", "l"), ("l", "each", "x"), ("m", "", "i")]
    old, new = [("i", "true", "b"), ("b", "", "z")], [("i", "true", "n"), ("n", "", "b"), ("b", "", "z")]
    answer, nodes = await rerun_current(api, rest + old, rest + new, [N], from_node="n")
    assert answer["status"] == "completed"
    assert {nodes[node, ""] for node in ("i", "n", "b", "z", "l")} == {"completed"}
    assert answer["output"] == {"worked": {"worked": {"worked": 7}}}


async def test_rerun_of_the_current_version_runs_a_node_that_moved_into_a_loop(api):
    old = [("m", "", "i"), ("i", "", "b"), ("b", "", "l"), ("l", "each", "x"), ("l", "done", "z")]
    new = [("m", "", "i"), ("i", "", "l"), ("l", "each", "b"), ("b", "", "x"), ("l", "done", "z")]
    answer, nodes = await rerun_current(api, old, new, from_node="z")
    assert (answer["status"], nodes["b", "0"]) == ("completed", "completed")
    assert answer["output"] == {"worked": [{"worked": {"worked": 1}}]}


async def test_rerun_from_a_node_in_another_version_needs_the_one_that_the_results_are_of(api):
    url = (await start(api)).json()["status_url"]
    await api.save("flow", [MANUAL, WORK, N], [("m", "w"), ("w", "n")])
    old = t.workflow_versions.c.version == 1
    await api.runtime.context.writer.transact(lambda db: db.execute(delete(t.workflow_versions).where(old)).rowcount)
    api.runtime.context.graphs._graphs.clear()
    answer = await api.operator.post(f"{url}/rerun", json={"version": "current", "from_node": "n"})
    assert (answer.status_code, "of version 1" in answer.json()["detail"]) == (409, True)


async def test_bulk_says_what_became_of_each(api):
    for _ in range(3):
        await start(api, nodes=(MANUAL, FAILS))
    answer = await api.operator.post(f"{BASE}/executions:bulk", json={"action": "retry", "status": ["failed"]})
    assert answer.json()["done"] == 3
    listed = (await api.operator.get(f"{BASE}/executions")).json()["items"]
    ids = [listed[0]["id"], "nope"]
    await api.runtime.engine.ending(ids[0], response=False, timeout=5)
    answer = await api.operator.post(f"{BASE}/executions:bulk", json={"action": "cancel", "ids": ids})
    assert [result["error"]["code"] for result in answer.json()["results"]] == ["conflict", "not-found"]
    assert (await api.operator.post(f"{BASE}/executions:bulk", json={"action": "cancel"})).status_code == 422


async def test_a_relative_time_is_the_same_when_the_request_is_repeated(api):
    once = {"Idempotency-Key": "k1"}
    path, asked = f"{BASE}/executions:bulk", {"action": "cancel", "since": "24h"}
    first = await api.operator.post(path, json=asked, headers=once)
    again = await api.operator.post(path, json=asked, headers=once)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await api.operator.post(path, json={**asked, "since": "23h"}, headers=once)
    assert other.status_code == 422


async def test_lists_have_pages_and_links(api):
    for _ in range(5):
        await start(api)
    seen, url = [], f"{BASE}/executions?limit=2"
    while url:
        answer = await api.operator.get(url)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert (await api.operator.get(f"{BASE}/executions?cursor=§")).status_code == 422
    assert (await api.operator.get(f"{BASE}/executions?limit=201")).status_code == 422


async def test_a_workflow_that_was_read_can_be_saved_again(api):
    await api.save("flow", [MANUAL, WORK], [("m", "w")], name="Flow", description="d", tags=["x"], timeout="5m")
    shown = (await api.operator.get(f"{BASE}/workflows/flow")).json()
    saved = await api.operator.put(f"{BASE}/workflows/flow", json=shown)
    assert (saved.status_code, saved.json()["changed"], saved.json()["version"]) == (200, False, 1)


async def test_a_workflow_comes_as_yaml_and_goes_as_yaml(api):
    text = "name: Flow\nnodes:\n- {id: m, type: manual}\n- {id: w, type: work}\nedges:\n- {source: m, target: w}\n"
    kind = {"content-type": "application/yaml"}
    saved = await api.operator.put(f"{BASE}/workflows/flow", content=text, headers=kind)
    assert saved.status_code == 201
    exported = await api.operator.get(f"{BASE}/workflows/flow/export")
    assert exported.headers["content-type"].startswith("application/yaml")
    again = await api.operator.put(f"{BASE}/workflows/flow", content=exported.content, headers=kind)
    assert again.json()["changed"] is False
    picture = await api.operator.get(f"{BASE}/workflows/flow/export?format=mermaid")
    assert picture.text.startswith("flowchart")


async def test_validation_lists_every_issue_and_saves_nothing(api):
    document = {"nodes": [{"id": "a", "type": "webhok"}, {"id": "b", "type": "noop"}], "edges": [{"source": "b"}]}
    checked = (await api.operator.post(f"{BASE}/workflows:validate", json=document)).json()
    assert checked["valid"] is False
    saved = await api.operator.put(f"{BASE}/workflows/w", json=document)
    assert saved.status_code == 422
    assert len(saved.json()["errors"]) == len(checked["issues"]) > 1
    assert (await api.operator.get(f"{BASE}/workflows/w")).status_code == 404


async def test_webhooks_are_listed(api):
    await api.save("flow", [hook("orders/{id}")])
    (found,) = (await api.operator.get(f"{BASE}/webhooks?workflow=flow")).json()["items"]
    assert found["url"] == "/webhooks/acme/orders/{id}"
    assert (await api.operator.get(f"{BASE}/webhooks?workflow=other")).json()["items"] == []


async def test_health_needs_no_key(api):
    async with api.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json()["ready"] is True
        head = await client.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["x-request-id"]


async def test_an_archived_workflow_cannot_be_started_by_version_either(api):
    await api.save("flow", [MANUAL, WORK], [("m", "w")])
    await api.operator.post(f"{BASE}/workflows/flow/archive")
    answer = await api.operator.post(f"{BASE}/workflows/flow/executions", json={"version": 1})
    assert (answer.status_code, "archived" in answer.json()["detail"]) == (409, True)


async def test_nothing_is_redirected(api):
    assert (await api.operator.get(f"{BASE}/executions/")).status_code == 404


async def test_executions_of_a_version_that_cannot_be_read_any_more_can_be_looked_at(api):
    one = (await start(api)).json()["status_url"]
    graphs = api.runtime.context.graphs
    graphs._graphs.clear()
    graphs._types._types.pop("work")
    assert (await api.operator.get(one)).json()["progress"]["completed"] == 2
    items = (await api.operator.get(f"{one}/nodes")).json()["items"]
    assert {item["node_id"]: item["type"] for item in items} == {"m": None, "w": None}


async def test_how_much_is_going_on_is_told_to_the_operator_alone(api):
    stranger = (await api.client().get("/readyz")).json()
    assert stranger.keys() == {"ready", "epoch"}
    assert (await api.operator.get("/readyz")).json().keys() > {"ready", "epoch", "workers"}


async def test_not_ready_is_503(api):
    async def broken():
        raise OSError("disk")

    object.__setattr__(api.runtime.context, "health", broken)
    answer = await api.operator.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})


async def test_an_execution_is_deleted_by_whom_may_administer_and_after_its_end(api):
    running = (await start(api, wait=0, nodes=(MANUAL, HELD))).json()
    url = f"{BASE}/executions/{running['execution_id']}"
    async with api.client(key=await api.key("read", "run", "write")) as client:
        assert (await client.delete(url)).status_code == 403
    async with api.client(key=await api.key("admin", "read")) as client:
        refused = await client.delete(url)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:flowrun:problem:conflict")
        api.work.let_go.set()
        assert await api.runtime.context.engine.ending(running["execution_id"], response=False, timeout=10)
        assert (await client.delete(url)).status_code == 204
        assert (await client.delete(url)).status_code == 404
        assert (await client.get(f"{url}/history")).status_code == 404


async def test_a_conversations_id_may_be_anything(api):
    ids = ["a/b", "customer 7", "ünï", "a%2Fb", "?x=1#y", "+49 151"]
    context = api.runtime.context
    store = ConversationStore(context.reader, context.writer, context.clock)
    for one in ids:
        turn = {"key": "k", "user": "hello", "assistant": "hi", "output": {"text": "hi"}}
        await store.change("acme", "w", one, lambda turns, turn=turn: [*turns, turn])
    listed = (await api.operator.get(f"{BASE}/workflows/w/conversations")).json()["items"]
    assert {one["id"] for one in listed} == set(ids)
    for one in ids:
        path = f"{BASE}/workflows/w/conversations/{quote(one, safe='')}"
        shown = (await api.operator.get(path)).json()
        assert (shown["id"], shown["turns"]) == (one, [{"user": "hello", "assistant": "hi"}])
        assert (await api.operator.delete(path)).status_code == 204
        assert (await api.operator.get(path)).status_code == 404
