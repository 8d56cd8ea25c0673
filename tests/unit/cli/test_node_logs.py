"""`flowrun executions logs`, against a stand-in for the service."""

from __future__ import annotations

import json

import pytest

ID = "0199a0b0-0000-7000-8000-000000000001"
EXECUTION = f"/api/v1/tenants/default/executions/{ID}"
LOGS = f"{EXECUTION}/nodes/fetch/logs"


def line(seq, text, attempt=1):
    return {"seq": seq, "at": "2026-11-22T10:00:00.042Z", "attempt": attempt, "text": text}


def page(*lines, following=None):
    return (200, {"items": list(lines), "next": following})


def test_it_prints_page_after_page(run, service):
    service.on("GET", LOGS, page(line(1, "one"), following=1), page(line(2, "two \x1b[2J", attempt=2)))
    result = run("executions", "logs", ID, "fetch", "--iteration", "3")
    first, second = result.output.splitlines()
    assert first.endswith(":00:00.042  one")
    assert second.endswith("attempt 2  two �[2J")
    assert [asked["query"] for asked in service.asked] == [
        "after=0&limit=1000&iteration=3",
        "after=1&limit=1000&iteration=3",
    ]


def test_json_is_a_list(run, service):
    service.on("GET", LOGS, page(line(1, "one")))
    assert json.loads(run("executions", "logs", ID, "fetch", "-o", "json").output) == [line(1, "one")]


def test_an_empty_log_says_so(run, service):
    service.on("GET", LOGS, page())
    result = run("executions", "logs", ID, "fetch", "--attempt", "2")
    assert (result.stdout, result.stderr.strip()) == ("", "The node has logged nothing.")
    assert service.asked[0]["query"].endswith("attempt=2")


@pytest.mark.parametrize(
    ("executions", "nodes"),
    [(["running", "running"], ["running", "completed"]), (["running", "failed"], ["pending"])],
    ids=["the node ends", "the execution ends before the node began"],
)
def test_following_ends_with_the_node(run, service, executions, nodes):
    service.on("GET", EXECUTION, *((200, {"id": ID, "status": status}) for status in executions))
    service.on("GET", f"{EXECUTION}/nodes/fetch", *((200, {"status": status}) for status in nodes))
    service.on("GET", LOGS, page(line(1, "one")), page(line(2, "two"), line(3, "three")))
    result = run("executions", "logs", ID, "fetch", "--follow", "-o", "json")
    assert [json.loads(one)["text"] for one in result.output.splitlines()] == ["one", "two", "three"]
    asked = [one["query"] for one in service.asked if one["path"] == LOGS]
    assert asked == ["after=0&limit=1000", "after=1&limit=1000"]
