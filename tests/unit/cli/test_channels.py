"""Channels from the command line: no credential is ever an argument, or printed."""

from __future__ import annotations

import json

import pytest

CHANNELS = "/api/v1/tenants/acme/channels"
LINE = f"{CHANNELS}/line"
SET = {"name": "line", "type": "whatsapp", "status": "active", "created": True, "created_at": "", "updated_at": ""}
SHOWN = {
    "name": "line", "type": "whatsapp", "provider": "whatsapp", "status": "disabled", "status_reason": "it expired",
    "webhook_url": "/webhooks/acme/channels/line", "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z", "key_id": "abc", "credentials": ["access_token", "phone_number_id"],
}  # fmt: skip


AS_JSON = '{"access_token": "t", "phone_number_id": "1"}'
AS_YAML = "access_token: t\nphone_number_id: '1'"


@pytest.mark.parametrize("content", [AS_JSON, AS_YAML])
@pytest.mark.parametrize("source", ["file", "stdin"])
def test_credentials_come_from_a_file(run, service, tmp_path, content, source):
    service.on("PUT", LINE, (201, SET))
    (tmp_path / "c").write_text(content)
    place, stdin = (str(tmp_path / "c"), None) if source == "file" else ("-", content)
    arguments = ("channels", "set", "line", "--type", "whatsapp", "-t", "acme", "--credentials-file", place)
    assert run(*arguments, stdin=stdin).output == "Set line\n"
    sent = {"type": "whatsapp", "credentials": {"access_token": "t", "phone_number_id": "1"}}
    assert json.loads(service.asked[0]["body"]) == sent


def test_the_type_of_a_known_channel_need_not_be_said(run, service):
    service.on("GET", LINE, (200, SHOWN))
    service.on("PUT", LINE, (200, SET | {"created": False}))
    result = run("channels", "set", "line", "-t", "acme", "--credentials-file", "-", stdin="access_token: t")
    assert result.output == "Replaced line\n"
    assert json.loads(service.asked[1]["body"])["type"] == "whatsapp"
    result = run("channels", "set", "new", "-t", "acme", "--credentials-file", "-", stdin="access_token: t")
    assert (result.exit_code, "--type" in result.stderr) == (2, True)


def test_without_a_terminal_it_says_how_to_give_them(run, service):
    result = run("channels", "set", "line", "--type", "whatsapp", "-t", "acme")
    assert (result.exit_code, "--credentials-file" in result.stderr) == (2, True)
    assert service.asked == []


def test_a_credential_is_no_argument(run, service):
    assert run("channels", "set", "line", "--type", "whatsapp", "access_token=t").exit_code == 2
    assert service.asked == []


@pytest.mark.parametrize("content", [b"\xff", b"{", b"- a", b""])
def test_what_cannot_be_read(run, service, tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    for name in ("c", "nothing"):
        result = run("channels", "set", "line", "--type", "whatsapp", "--credentials-file", str(tmp_path / name))
        assert (result.exit_code, service.asked) == (2, [])
        assert "Traceback" not in result.output


def test_channels_are_listed_and_shown(run, service):
    service.on("GET", CHANNELS, (200, {"items": [SHOWN], "next": None}))
    service.on("GET", LINE, (200, SHOWN))
    listed = run("channels", "list", "-t", "acme").output
    for word in ("line", "whatsapp", "disabled", "/webhooks/acme/channels/line", "it expired"):
        assert word in listed
    shown = run("channels", "show", "line", "-t", "acme").output
    for word in ("disabled: it expired", "access_token, phone_number_id", "/webhooks/acme/channels/line"):
        assert word in shown
    service.on("GET", LINE, (200, SHOWN | {"credentials": None, "webhook_url": None}))
    shown = run("channels", "show", "line", "-t", "acme").output
    assert "cannot be decrypted" in shown
    assert "nowhere" in shown


def test_types_are_explained_without_a_service(run):
    assert "whatsapp" in run("channels", "types").output
    told = run("channels", "types", "whatsapp").output
    for word in ("phone_number_id", "access_token", "app_secret", "required"):
        assert word in told
    assert json.loads(run("channels", "types", "whatsapp", "-o", "json").output)["type"] == "whatsapp"
    wrong = run("channels", "types", "whatsap")
    assert (wrong.exit_code, "did you mean 'whatsapp'?" in wrong.stderr) == (1, True)


def test_states_are_set(run, service):
    for name in ("disable", "enable"):
        service.on("POST", f"{LINE}/{name}", (200, {}))
    assert run("channels", "disable", "line", "-t", "acme", "--reason", "moved").output == "line is disabled\n"
    assert run("channels", "enable", "line", "-t", "acme").output == "line is enabled\n"
    assert [json.loads(asked["body"]) for asked in service.asked] == [{"reason": "moved"}, {}]
    service.on("DELETE", LINE, (204, None))
    assert run("channels", "delete", "line", "-t", "acme").output == "line is deleted\n"


def test_a_test_message_is_sent_or_it_says_why_not(run, service):
    service.on("POST", f"{LINE}/test", (200, {"sent": True, "output": {"message_id": "m1"}, "error": None}))
    assert "m1" in run("channels", "test", "line", "-t", "acme", "--to", "1").output
    assert json.loads(service.asked[0]["body"]) == {"to": "1", "message": "A test message."}
    run("channels", "test", "line", "-t", "acme", "--json", '{"template": {"name": "x"}}')
    assert json.loads(service.asked[1]["body"])["message"] == {"template": {"name": "x"}}
    error = {"type": "channel_unauthorized", "message": "WhatsApp refused the message (190)"}
    service.on("POST", f"{LINE}/test", (200, {"sent": False, "output": None, "error": error}))
    result = run("channels", "test", "line", "-t", "acme")
    assert (result.exit_code, "channel_unauthorized" in result.stderr) == (1, True)
