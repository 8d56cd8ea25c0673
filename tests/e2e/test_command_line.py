"""The command line against a real service: what it prints, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from e2e.client import Api, until
from support.service import Service, free_port

OK, FAILED, USAGE, NO_SERVICE = 0, 1, 2, 3
STOP_SECONDS = 10
"""What container platforms give a process between SIGTERM and SIGKILL."""
EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = len(list(EXAMPLES.glob("*.yaml")))
BAD = """
id: Bad Id
nodes:
  - {id: a, type: webhok, params: {path: x}}
  - {id: b, type: transform, params: {valeu: 1}}
edges: [a -> c]
"""
SLEEP = """
id: sleep
nodes:
  - {id: in, type: manual}
  - {id: rest, type: delay, params: {for: 1h}}
edges: [in -> rest]
"""
BREAK = """
id: break
nodes:
  - {id: in, type: manual}
  - {id: stop, type: fail, params: {message: No more paper., type: paper}}
edges: [in -> stop]
"""
ECHO = """
id: echo
nodes: [{id: in, type: manual}]
"""


@pytest.fixture(scope="module")
def api(service):
    with service.operator() as client:
        api = Api(client)
        for source in (SLEEP, BREAK, ECHO):
            api.save(source)
        yield api


@pytest.fixture
def workflow_file(tmp_path):
    def write(content: str, name: str = "w.yaml") -> str:
        file = tmp_path / name
        file.write_text(content)
        return str(file)

    return write


def as_json(service: Service, *arguments: str, code: int = OK) -> Any:
    """What a command prints with `-o json`; it has to be JSON, and nothing else."""
    done = service.flowrun(*arguments, "-o", "json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def fails(service: Service, code: int, *arguments: str) -> str:
    """The readable message of a command that has to fail so."""
    done = service.flowrun(*arguments, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Error: " in done.stderr
    return done.stderr


def waiting(api: Api) -> str:
    execution = api.start("sleep")
    api.reaches(execution, "waiting")
    return execution


# --- workflow files


def test_validate_lists_everything_that_is_wrong_and_needs_no_service(workflow_file):
    alone = Service(Path("/nonexistent"))
    done = alone.flowrun("validate", workflow_file(BAD), check=False)
    assert done.returncode == FAILED
    for words in ("bad-id", "webhok", "did you mean 'webhook'", "nodes[1].params.valeu", "unreachable", "edges[0]"):
        assert words in done.stdout
    (report,) = as_json(alone, "validate", workflow_file(BAD), code=FAILED)
    assert report["valid"] is False
    assert {"id", "nodes[0].type", "nodes[1].params.valeu", "edges[0].target"} <= {e["path"] for e in report["errors"]}
    assert [one["valid"] for one in as_json(alone, "validate", str(EXAMPLES))] == [True] * FILES


def test_apply_saves_a_directory_once_and_a_dry_run_nothing(service, api):
    before = {one["id"] for one in api.ask("GET", "/workflows")["items"]}
    planned = as_json(service, "apply", str(EXAMPLES), "--dry-run")
    assert {one["change"] for one in planned} == {"created"}
    assert {one["id"] for one in api.ask("GET", "/workflows")["items"]} == before
    assert as_json(service, "apply", str(EXAMPLES)) == planned
    done = service.flowrun("apply", str(EXAMPLES), "--dry-run")
    assert done.stdout.count("unchanged") == len(planned) == FILES
    assert "Nothing was saved" in done.stderr


def test_apply_saves_none_when_one_file_is_bad(service, api, tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "good.yaml").write_text("id: good\nnodes: [{id: in, type: manual}]\n")
    assert "webhok" in fails(service, FAILED, "apply", str(tmp_path))
    assert api.client.get(f"{api.base}/workflows/good").status_code == 404


def test_export_gives_a_file_that_diff_and_apply_find_unchanged(service, api, workflow_file):
    text = service.flowrun("export", "sleep").stdout
    same, other = workflow_file(text, "same.yaml"), workflow_file(text.replace("1h", "2h"), "other.yaml")
    assert service.flowrun("diff", same).stdout == ""
    differing = service.flowrun("diff", other, check=False)
    assert differing.returncode == FAILED
    assert "-    for: 1h" in differing.stdout
    assert "+    for: 2h" in differing.stdout
    assert as_json(service, "apply", same)[0]["change"] == "unchanged"
    assert (
        json.loads(service.flowrun("export", "sleep", "--format", "json").stdout)["id"]
        == api.ask("GET", "/workflows/sleep")["id"]
    )


def test_graph_draws_every_node_and_edge_without_a_service(workflow_file):
    drawn = Service(Path("/nonexistent")).flowrun("graph", workflow_file(SLEEP)).stdout
    assert drawn.startswith("flowchart")
    assert "rest" in drawn
    assert "-->" in drawn


# --- start


@pytest.mark.usefixtures("api")
def test_start_wait_prints_the_output_and_ends_with_the_outcome(service):
    done = service.flowrun("start", "echo", "--input", '{"n": 1}', "--wait")
    assert json.loads(done.stdout) == {"n": 1}
    failing = service.flowrun("start", "break", "--wait", check=False)
    assert (failing.returncode, failing.stdout) == (FAILED, "")
    assert "stop: paper: No more paper." in failing.stderr
    document = as_json(service, "start", "break", "--wait", code=FAILED)
    assert (document["status"], document["error"]["type"]) == ("failed", "paper")


def test_start_takes_its_input_from_a_file_and_from_a_pipe(service, api, workflow_file):
    file = workflow_file('{"from": "file"}', "input.json")
    assert json.loads(service.flowrun("start", "echo", "-i", f"@{file}", "--wait").stdout) == {"from": "file"}
    piped = service.flowrun("start", "echo", "-i", "-", stdin='{"from": "pipe"}').stdout.strip()
    assert api.ends(piped)["output"] == {"from": "pipe"}


# --- executions


def test_executions_can_be_listed_shown_and_read_as_json(service, api):
    failed, done = api.start("break"), api.start("echo", {"n": 1})
    assert (api.ends(failed)["status"], api.ends(done)["status"]) == ("failed", "completed")
    assert failed in [one["id"] for one in as_json(service, "executions", "list", "--status", "failed")]
    assert {one["workflow_id"] for one in as_json(service, "executions", "list", "-w", "echo")} == {"echo"}
    shown = as_json(service, "executions", "show", failed)
    assert shown["error"]["node_id"] == "stop"
    assert [node["node_id"] for node in shown["nodes"]] == ["in", "stop"]
    assert as_json(service, "executions", "history", failed) == api.history(failed)


def test_executions_are_readable_in_a_table(service, api):
    execution = api.start("break")
    api.ends(execution)
    listed = service.flowrun("executions", "list", "-w", "break").stdout
    assert execution in listed
    assert "✗ failed" in listed
    shown = service.flowrun("executions", "show", "latest").stdout
    for words in (execution, "stop: paper: No more paper.", "✓ completed"):
        assert words in shown
    assert "NodeFailed" in service.flowrun("executions", "history", execution).stdout


def test_watch_follows_to_the_end_and_ends_with_the_outcome(service, api):
    execution = waiting(api)
    timer = threading.Timer(0.6, lambda: api.command(execution, "nodes/rest/skip", {"output": "done"}))
    timer.start()
    watched = service.flowrun("executions", "watch", execution, "-o", "json")
    timer.join()
    events = [json.loads(line) for line in watched.stdout.splitlines()]
    assert events == api.history(execution)
    failed = api.start("break")
    api.ends(failed)
    assert service.flowrun("executions", "watch", failed, check=False).returncode == FAILED


def test_every_command_answers_in_json_and_says_what_it_did(service, api):
    execution = waiting(api)

    def command(name: str, *more: str) -> str:
        return str(as_json(service, "executions", name, execution, *more)["status"])

    assert "rest" in service.flowrun("executions", "show", "latest").stdout
    assert service.flowrun("executions", "waits", "latest").stdout == "It waits for no signal.\n"
    assert command("pause", "--reason", "a look") == "paused"
    assert command("resume") in {"running", "waiting"}
    assert command("skip-node", "rest", "--output-value", '{"by": "hand"}', "--port", "main") == "completed"
    assert api.execution(execution)["output"] == {"by": "hand"}
    execution = waiting(api)
    assert command("cancel", "--reason", "enough") == "cancelled"
    assert command("retry") in {"running", "waiting"}
    assert command("terminate") == "cancelled"
    assert "cancelled" in fails(service, FAILED, "executions", "pause", execution)


def test_rerun_prints_the_new_execution(service, api):
    execution = api.start("echo", {"n": 1})
    api.ends(execution)
    again = as_json(service, "executions", "rerun", execution, "--version", "current", "--input", '{"n": 2}')
    assert again["rerun_of"] == execution
    assert api.ends(again["execution_id"])["output"] == {"n": 2}
    plain = service.flowrun("executions", "rerun", execution).stdout.strip()
    assert api.ends(plain)["output"] == {"n": 1}


# --- what goes wrong


def test_without_a_service_the_exit_code_is_3_and_the_message_says_what_to_do(tmp_path):
    nobody = Service(tmp_path / "none")
    message = fails(nobody, NO_SERVICE, "executions", "list")
    assert "flowrun serve" in message
    assert "FLOWRUN_SOCKET" in message
    assert len(message.splitlines()) == 1
    url = f"http://127.0.0.1:{free_port()}"
    assert url in fails(nobody, NO_SERVICE, "start", "echo", "--url", url)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "No such command"),
        (["start"], "Missing argument 'WORKFLOW'"),
        (["executions", "list", "--status", "runing"], "'runing' is not one of"),
        (["executions", "cancel", "latest"], "by its id"),
        (["validate", "/nonexistent.yaml"], "does not exist"),
        (["serve", "--port", "70000"], "--port: must be a whole number from 0 to 65,535"),
        (["serve", "--database-url", "mysql://x"], "--database-url: must be sqlite:///"),
    ],
    ids=lambda part: " ".join(part[:2]) if isinstance(part, list) else "",
)
def test_a_usage_error_is_2_and_names_what_is_wrong(service, arguments, words):
    assert words in fails(service, USAGE, *arguments)


def test_what_the_service_refuses_is_1_and_one_line(service):
    assert "no workflow nope" in fails(service, FAILED, "start", "nope")
    assert "no execution nope" in fails(service, FAILED, "executions", "show", "nope")


def test_over_tcp_the_key_decides(service, api):
    key = api.ask("POST", "/keys", json={"name": "cli", "scopes": ["read"]})["key"]
    assert isinstance(as_json(service, "executions", "list", "--url", service.url, "--key", key), list)
    assert "'run'" in fails(service, FAILED, "start", "echo", "--url", service.url, "--key", key)
    assert "key" in fails(service, FAILED, "executions", "list", "--url", service.url)


# --- processes


def test_a_second_service_on_the_same_data_is_refused_by_name(service):
    assert service.process is not None
    message = fails(service, USAGE, "serve", "--port", "0")
    assert f"process {service.process.pid}" in message
    assert str(service.data_dir) in message
    assert service.flowrun("executions", "list").returncode == OK


def test_demo_once_ends_well_and_shows_every_node(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOWRUN_")}
    done = subprocess.run(
        [sys.executable, "-m", "flowrun", "demo", "--once"],
        env=environment | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == OK, done.stderr
    for node in ("push", "summary", "branch", "checks", "deployment", "outcome", "answer", "ignored"):
        assert node in done.stdout
    assert "201 Created" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_sigterm_ends_it_in_time_and_what_runs_goes_on_at_the_next_start(tmp_path, neighbour):
    neighbour.hold("/slow")
    with Service(tmp_path / "data", http_allow="127.0.0.1", log_level="warning") as service:
        answers: list[httpx2.Response] = []
        with service.operator() as client:
            save_slow_ones(Api(client), neighbour)
            asleep = Api(client).start("sleep", 0.5)
        caller = threading.Thread(target=long_poll, args=(service, answers))
        caller.start()
        until("the worker calls", lambda: neighbour.called("/slow"))
        began = time.monotonic()
        assert service.stop() == OK
        assert time.monotonic() - began < STOP_SECONDS
        caller.join(5)
        (answer,) = answers
        assert answer.status_code == 202, answer.text
        assert "Traceback" not in service.log.read_text()
        neighbour.release("/slow")
        service.start()
        with service.operator() as client:
            assert Api(client).ends(answer.json()["execution_id"])["status"] == "completed"
            assert Api(client).ends(asleep)["status"] == "completed"
    assert len({call.key for call in neighbour.called("/slow")}) == 1


def save_slow_ones(api: Api, neighbour) -> None:
    call = "{id: call, type: http, params: {url: '" + neighbour.url + "/slow'}}"
    api.save(f"id: slow\nnodes: [{{id: in, type: manual}}, {call}]\nedges: [in -> call]\n")
    api.save(SLEEP.replace("1h", "'{{ input }}'"))


def long_poll(service: Service, answers: list[httpx2.Response]) -> None:
    with service.operator() as client:
        answers.append(client.post("/api/v1/tenants/default/workflows/slow/executions?wait=30", json={}))


def test_ctrl_c_ends_it_like_sigterm(tmp_path):
    service = Service(tmp_path / "data", fresh=True)
    with service:
        assert service.process is not None
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(STOP_SECONDS) == OK
    assert not service.socket.exists()
