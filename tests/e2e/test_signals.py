"""Waiting for people and programs: addresses, pages, forms, names, and a kill in between."""

from __future__ import annotations

import re

import httpx2
import pytest
from e2e.client import Api, is_problem
from support import plain_http
from support.service import Service

PAGE = {"accept": "text/html,application/xhtml+xml"}


def waiting(api: Api, workflow: str, **params) -> tuple[str, str]:
    """An execution that waits, and the path of its address."""
    nodes = [
        {"id": "in", "type": "manual"},
        {"id": "ask", "type": "wait_for_signal", "params": params},
        {"id": "after", "type": "noop"},
    ]
    edges = [{"source": "in", "target": "ask"}, {"source": "ask", "target": "after"}]
    api.save({"id": workflow, "nodes": nodes, "edges": edges})
    execution = api.start(workflow)
    api.reaches(execution, "waiting")
    (wait,) = api.ask("GET", f"/executions/{execution}/waits")["items"]
    assert (wait["node_id"], wait["iteration"]) == ("ask", "")
    return execution, httpx2.URL(wait["resume_url"]).path


def test_a_program_answers_once(api: Api, outside):
    execution, address = waiting(api, "program")
    answer = outside.post(address, json={"paid": True}, params={"utm_source": "mail"})
    assert (answer.status_code, answer.json()) == (202, {"execution_id": execution, "signal": "ask"})
    output = api.ends(execution)["output"]
    assert (output["data"], output["by"]) == ({"paid": True}, "resume link")
    is_problem(outside.post(address, json={"paid": False}), 410, "gone")
    is_problem(outside.get(address), 410, "gone")
    assert api.ask("GET", f"/executions/{execution}/waits") == {"items": []}


def test_an_answer_that_is_sent_again_with_its_key_is_answered_alike(api: Api, outside):
    (one, first), (_, second) = (waiting(api, f"again{n}") for n in range(2))
    key = {"idempotency-key": "1"}
    answers = [outside.post(first, json={"paid": True}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert api.ends(one)["output"]["data"] == {"paid": True}
    assert outside.post(first, json={"paid": True}, headers=key).status_code == 202, "though all is over"
    is_problem(outside.post(first, json={"paid": False}, headers=key), 410, "gone")
    is_problem(outside.post(first, json={"paid": True}, headers={"idempotency-key": "2"}), 410, "gone")
    assert outside.post(second, json={"paid": True}, headers=key).status_code == 202, "another address, the same key"


@pytest.mark.parametrize("headers", [{}, PAGE])
def test_looking_at_an_address_answers_nothing(api: Api, outside, headers):
    execution, address = waiting(api, "looked-at")
    for method in ("GET", "HEAD", "GET"):
        answer = outside.request(method, address, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert api.execution(execution)["status"] == "waiting"


def test_a_person_fills_in_a_form(api: Api, outside):
    fields = [
        {"name": "amount", "type": "number", "required": True},
        {"name": "why", "label": "Why <b>?", "type": "select", "options": ["late", "broken"]},
        {"name": "sure", "type": "boolean"},
    ]
    form = {"title": "How much & why?", "text": "<script>alert(1)</script>", "fields": fields}
    execution, address = waiting(api, "form", form=form)
    page = outside.get(address, headers=PAGE)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<h1>How much &amp; why?</h1>" in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert "Why &lt;b&gt;?" in page.text
    assert re.findall(r'name="(\w+)"', page.text) == ["viewport", "amount", "why", "sure"]
    wrong = outside.post(address, data={"amount": "much", "why": "late"}, headers=PAGE)
    assert wrong.status_code == 422
    assert "must be a number" in wrong.text
    assert 'value="much"' in wrong.text
    assert '<option value="late" selected>' in wrong.text
    answer = outside.post(address, data={"amount": "12.5", "why": "late", "sure": "true"}, headers=PAGE)
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    assert api.ends(execution)["output"]["data"] == {"amount": 12.5, "why": "late", "sure": True}
    assert outside.get(address, headers=PAGE).status_code == 410


def test_a_program_is_told_every_mistake_in_its_answer_to_a_form(api: Api, outside):
    fields = [{"name": "amount", "type": "number", "required": True}]
    execution, address = waiting(api, "form-program", form={"fields": fields})
    problem = is_problem(outside.post(address, json={"amonut": 1}), 422, "validation")
    assert [(error["path"], error.get("suggestion")) for error in problem["errors"]] == [
        ("amount", None),
        ("amonut", "amount"),
    ]
    assert api.execution(execution)["status"] == "waiting"


def test_an_unknown_or_changed_address_is_not_found(api: Api, outside):
    _, address = waiting(api, "forged")
    token = address.rpartition("/")[2]
    flipped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    for wrong in (flipped, token[:-1], token + "x", "x", "%00", "ä", "A" * 5_000):
        for method in ("GET", "POST"):
            answer = outside.request(method, f"/resume/{wrong}")
            assert answer.status_code == 404, wrong
    assert outside.get(f"/resume/{flipped}", headers=PAGE).status_code == 404


def test_a_signal_by_name_and_what_is_refused(api: Api):
    execution, _ = waiting(api, "named", name="paid")
    problem = is_problem(api.command(execution, "signal", {"name": "payd"}), 422, "validation")
    assert problem["errors"][0]["suggestion"] == "paid"
    is_problem(api.command(execution, "signal", {}), 422, "validation")
    is_problem(api.command(execution, "signal", {"name": "paid", "node_id": "ask"}), 422, "validation")
    assert api.command(execution, "signal", {"name": "paid", "data": [1]}).status_code == 202
    assert api.ends(execution)["output"]["data"] == [1]
    is_problem(api.command(execution, "signal", {"name": "paid"}), 409, "conflict")
    assert [event["data"]["by"] for event in api.history(execution, "SignalReceived")] == ["operator"]


def test_a_timeout_is_a_way_out(api: Api):
    nodes = [
        {"id": "in", "type": "manual"},
        {"id": "ask", "type": "wait_for_signal", "params": {"timeout": "50ms"}},
        {"id": "late", "type": "noop"},
    ]
    edges = [{"source": "in", "target": "ask"}, {"source": "ask", "target": "late", "source_handle": "timeout"}]
    api.save({"id": "late", "nodes": nodes, "edges": edges})
    assert api.ends(api.start("late"))["output"] == {"signal": "ask", "timed_out": True}


def test_the_address_is_the_same_after_a_kill(tmp_path):
    with Service(tmp_path / "data") as service:
        with service.operator() as client:
            execution, address = waiting(Api(client), "killed", approval=True)
        service.kill()
        service.start()
        with service.operator() as client, plain_http.client(service.url) as outside:
            api = Api(client)
            (wait,) = api.ask("GET", f"/executions/{execution}/waits")["items"]
            assert httpx2.URL(wait["resume_url"]).path == address
            assert outside.post(address, json={"approved": True}).status_code == 202
            assert api.ends(execution)["output"]["approved"] is True
