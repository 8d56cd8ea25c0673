"""Tenants, keys, workflows, node types, and the commands that look after an installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

TENANTS = "/api/v1/tenants"
KEYS = f"{TENANTS}/acme/keys"
KEY = {"id": "k1", "key": "fr_k1_secret", "name": "ci", "tenant_id": "acme", "scopes": ["read", "run"]}


def test_a_tenant_is_created(run, service):
    service.on("POST", TENANTS, (201, {"id": "acme", "name": "Acme", "status": "active"}))
    result = run("tenants", "create", "acme", "--name", "Acme")
    assert "Created acme" in result.output
    assert json.loads(service.asked[0]["body"]) == {"id": "acme", "name": "Acme"}


def test_tenants_are_listed(run, service):
    tenant = {"id": "acme", "name": "Acme", "status": "active", "created_at": "2026-11-22T10:00:00Z"}
    counts = {"workflows": 3, "executions_live": 4, "keys": 5, "secrets": 6}
    service.on("GET", TENANTS, (200, {"items": [{**tenant, "counts": counts}], "next": None}))
    row = run("tenants", "list").output.splitlines()[1].split()
    assert (row[:6], row[-1]) == (["acme", "active", "3", "4", "5", "6"], "Acme")


@pytest.mark.parametrize(("name", "said"), [("disable", "acme is disabled"), ("enable", "acme is active")])
def test_a_tenant_is_disabled_and_enabled(run, service, name, said):
    service.on("POST", f"{TENANTS}/acme/{name}", (200, {"id": "acme", "status": "", "changed": True}))
    assert run("tenants", name, "acme").output.startswith(said)


def test_a_key_alone_goes_to_stdout(run, service):
    service.on("POST", KEYS, (201, KEY))
    result = run("keys", "create", "ci", "-t", "acme", "--scope", "read")
    assert result.stdout == "fr_k1_secret\n"
    assert "not shown again" in result.stderr
    assert json.loads(service.asked[0]["body"]) == {"name": "ci", "scopes": ["read"]}


def test_the_operators_keys_are_made_listed_and_revoked_too(run, service):
    place = "/api/v1/keys"
    service.on("POST", place, (201, {**KEY, "tenant_id": None}))
    assert "in every tenant" in run("keys", "create", "ci", "--operator").stderr
    service.on("GET", place, (200, {"items": [{**KEY, "status": "active"}]}))
    assert "k1" in run("keys", "list", "--operator").output
    service.on("DELETE", f"{place}/k1", (204, None))
    assert run("keys", "revoke", "k1", "--operator").output == "k1 is revoked\n"


@pytest.mark.parametrize("key", ["fr_k1_söcret", "fr_k1 secret", "fr_k1_\x07"])
def test_what_cannot_be_a_key_is_refused_and_not_shown(run, monkeypatch, key):
    monkeypatch.setenv("FLOWRUN_KEY", key)
    result = run("keys", "list", "--url", "http://127.0.0.1:1")
    assert result.exit_code != 0
    assert "characters that no key has" in result.output
    assert key not in result.output


def test_a_key_is_given_an_end(run, service):
    service.on("POST", KEYS, (201, KEY))
    run("keys", "create", "ci", "-t", "acme", "--expires-in", "90d")
    assert json.loads(service.asked[0]["body"])["expires_at"].endswith("+00:00")
    refused = run("keys", "create", "ci", "-t", "acme", "--expires-in", "soon")
    assert (refused.exit_code, "--expires-in" in refused.stderr) == (2, True)


def test_keys_are_listed_with_their_state(run, service):
    rows = [{**KEY, "status": "revoked", "created_at": "2026-11-22T10:00:00Z"}]
    service.on("GET", KEYS, (200, {"items": rows}))
    assert run("keys", "list", "-t", "acme").output.splitlines()[1].endswith("revoked")


def test_a_key_is_revoked(run, service):
    service.on("DELETE", f"{KEYS}/k1", (200, {}))
    assert run("keys", "revoke", "k1", "-t", "acme").output == "k1 is revoked\n"


def test_workflows_are_listed(run, service):
    row = {"id": "hello", "version": 3, "status": "published", "updated_at": "2026-11-22T10:00:00Z", "name": "Hello"}
    service.on("GET", f"{TENANTS}/default/workflows", (200, {"items": [row], "next": None}))
    assert run("workflows", "list").output.splitlines()[1].split()[:3] == ["hello", "3", "published"]


def test_a_tenant_without_workflows_is_told_what_to_do(run, service):
    service.on("GET", f"{TENANTS}/default/workflows", (200, {"items": [], "next": None}))
    assert "flowrun apply FILE" in run("workflows", "list").stderr


@pytest.mark.parametrize(("name", "status"), [("publish", "published"), ("archive", "archived")])
def test_a_workflow_is_published_and_archived(run, service, name, status):
    service.on("POST", f"{TENANTS}/default/workflows/hello/{name}", (200, {"id": "hello", "status": status}))
    assert run("workflows", name, "hello").output == f"hello is {status}\n"


def test_a_workflow_is_deleted(run, service):
    service.on("DELETE", f"{TENANTS}/acme/workflows/hello", (204, None))
    assert run("workflows", "delete", "hello", "-t", "acme").output == "hello is deleted\n"


def test_a_service_elsewhere_is_asked_with_the_key(run, environment):
    environment.delenv("FLOWRUN_SOCKET")
    environment.setenv("FLOWRUN_URL", "elsewhere:8080")
    result = run("workflows", "list")
    assert result.exit_code == 2
    assert "must begin with http:// or https://" in result.stderr


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
def test_every_refusal_is_one_line(run, service, status):
    service.on("GET", TENANTS, (status, {"detail": "Because."}))
    result = run("tenants", "list")
    assert (result.exit_code, result.stderr) == (1, "Error: Because.\n")


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(run, service):
    service.on("GET", TENANTS, (500, "a proxy's page"))
    assert run("tenants", "list").stderr == "Error: The service answered 500\n"


def test_the_healthcheck_tells_by_its_exit_code(run, service):
    service.on("GET", "/readyz", (503, {"detail": "not yet"}), (200, {"ready": True}))
    assert run("healthcheck").exit_code == 1
    assert run("healthcheck").exit_code == 0


def test_node_types_are_listed(run):
    listed = {one["type"]: one for one in json.loads(run("nodes", "list", "-o", "json").output)}
    assert listed["http"]["worker"] == "webhook"
    assert listed["decision"]["worker"] is None


def test_a_node_type_is_explained(run):
    printed = run("nodes", "show", "delay").output
    assert "run by the engine itself" in printed
    assert "until" in printed
    assert "type: delay" in printed


def test_a_misspelt_node_type_gets_a_suggestion(run):
    result = run("nodes", "show", "htttp")
    assert result.exit_code == 1
    assert "did you mean 'http'?" in result.stderr


def test_config_prints_every_setting_and_where_it_comes_from(run, environment):
    environment.setenv("FLOWRUN_ENCRYPTION_KEY", "s3cret")
    printed = run("config").output
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()[1:]}
    assert rows["port"] == ["default", "8080"]
    assert rows["encryption_key"] == ["FLOWRUN_ENCRYPTION_KEY", "********"]
    assert "s3cret" not in printed


def test_doctor_finds_nothing_wrong_here(run, service, tmp_path):
    service.on("GET", "/readyz", (200, {"ready": True}))
    result = run("doctor", "--data-dir", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert "ready at" in result.output


def test_doctor_tells_a_configuration_that_is_wrong(run, environment):
    environment.setenv("FLOWRUN_PORT", "x")
    result = run("doctor", "-o", "json")
    found = {one["check"]: one for one in json.loads(result.output)}
    assert result.exit_code == 1
    assert found["configuration"]["level"] == "problem"


def test_doctor_tells_a_data_directory_that_cannot_be_one(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    result = run("doctor", "--data-dir", str(file / "data"), "-o", "json")
    found = {one["check"]: one for one in json.loads(result.output)}
    assert found["data directory"]["level"] == "problem"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run, shell):
    printed = run("completion", shell).output
    assert printed.startswith("# ")
    assert "_FLOWRUN_COMPLETE" in printed


def test_a_shell_can_complete_commands():
    words = {**os.environ, "_FLOWRUN_COMPLETE": "bash_complete", "COMP_WORDS": "flowrun exec", "COMP_CWORD": "1"}
    code = "from flowrun.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=words)
    assert done.stdout == "plain,executions\n"
