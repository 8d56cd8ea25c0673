"""Secrets and events from the command line: no value is ever an argument, or printed."""

from __future__ import annotations

import json

import pytest

SECRETS = "/api/v1/tenants/acme/secrets"
EVENTS = "/api/v1/tenants/acme/events"
SET = {"name": "A", "created": True, "created_at": "", "updated_at": ""}
LISTED = {"name": "A", "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z", "key_id": "abc"}


@pytest.mark.parametrize("content", ["the value", "the value\n", "the value\r\n"])
def test_a_value_comes_from_a_file(run, service, tmp_path, content):
    service.on("PUT", f"{SECRETS}/A", (201, SET))
    (tmp_path / "v").write_bytes(content.encode())
    result = run("secrets", "set", "A", "-t", "acme", "--value-file", str(tmp_path / "v"))
    assert result.output == "Set A\n"
    assert json.loads(service.asked[0]["body"]) == {"value": "the value"}


def test_without_a_terminal_it_says_how_to_give_the_value(run, service):
    result = run("secrets", "set", "A", "-t", "acme")
    assert (result.exit_code, "--value-file" in result.stderr) == (2, True)
    assert service.asked == []


def test_a_value_is_no_argument(run, service):
    assert run("secrets", "set", "A", "value").exit_code == 2
    assert service.asked == []


def test_a_file_that_cannot_be_read(run, service, tmp_path):
    (tmp_path / "v").write_bytes(b"\xff")
    for name in ("v", "nothing"):
        result = run("secrets", "set", "A", "--value-file", str(tmp_path / name))
        assert (result.exit_code, "cannot be read" in result.stderr, service.asked) == (2, True, [])


def test_names_are_listed_and_deleted(run, service):
    service.on("GET", SECRETS, (200, {"items": [LISTED], "next": None}))
    assert run("secrets", "list", "-t", "acme").output.splitlines()[1].split()[0] == "A"
    service.on("DELETE", f"{SECRETS}/A", (204, None))
    assert run("secrets", "delete", "A", "-t", "acme").output == "A is deleted\n"


@pytest.mark.parametrize(("unreadable", "code"), [([], 0), (["acme/A"], 1)])
def test_a_rotation_tells_what_it_could_not_read(run, service, unreadable, code):
    service.on(
        "POST",
        "/api/v1/secrets:rotate",
        (200, {"rotated": 3, "rotated_channels": 1, "unreadable": unreadable, "key_id": "abc"}),
    )
    result = run("secrets", "rotate")
    assert (result.exit_code, "Encrypted 3 secrets" in result.stdout) == (code, True)
    assert ("acme/A" in result.stderr) is bool(unreadable)


def test_an_event_is_sent(run, service):
    delivery = {"workflow_id": "w", "outcome": "started", "execution_id": "e1", "reason": None}
    service.on("POST", EVENTS, (202, {"duplicate": False, "outcome": "started", "deliveries": [delivery]}))
    result = run("events", "send", "order.paid", "-t", "acme", "--data", "[1]", "--subject", "s", "--id", "i")
    assert result.output == "Accepted: started\n  w: started e1\n"
    assert json.loads(service.asked[0]["body"]) == {
        "specversion": "1.0", "type": "order.paid", "id": "i", "source": "/flowrun/cli", "subject": "s", "data": [1],
    }  # fmt: skip


def test_events_are_listed(run, service):
    one = {"received_at": "2026-11-22T10:00:00Z", "type": "t", "source": "/s", "outcome": "unmatched", "deliveries": []}
    service.on("GET", EVENTS, (200, {"items": [one], "next": None}))
    assert run("events", "list", "-t", "acme").output.splitlines()[1].split()[-3:] == ["t", "/s", "unmatched"]
