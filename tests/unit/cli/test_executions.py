"""Commands about executions, against a stand-in for the service."""

from __future__ import annotations

import json

import pytest

BASE = "/api/v1/tenants/default/executions"
ID = "0199a0b0-0000-7000-8000-000000000001"


def execution(status="completed", **more):
    return {
        "id": ID,
        "workflow_id": "hello",
        "tenant_id": "default",
        "version": 3,
        "status": status,
        "created_at": "2026-11-22T10:00:00.000Z",
        "started_at": "2026-11-22T10:00:00.000Z",
        "finished_at": "2026-11-22T10:00:00.042Z",
        **more,
    }


def node(node_id, status="completed", **more):
    return {
        "node_id": node_id,
        "iteration": "",
        "type": "transform",
        "status": status,
        "attempt": 1,
        "attempts": [],
        "input": {"a": 1},
        "output": {"b": 2},
        "error": None,
        "skip_reason": None,
        "started_at": "2026-11-22T10:00:00.000Z",
        "finished_at": "2026-11-22T10:00:00.003Z",
        **more,
    }


def event(seq, kind, node_id=None, **data):
    moment = "2026-11-22T10:00:00.000Z"
    return {"seq": seq, "at": moment, "type": kind, "node_id": node_id, "iteration": "", "data": data}


def test_list_prints_a_table(run, service):
    service.on("GET", BASE, (200, {"items": [execution(), execution("failed")], "next": None}))
    result = run("executions", "list", "--status", "failed", "-w", "hello")
    lines = result.output.splitlines()
    assert lines[0].split() == ["ID", "WORKFLOW", "STATUS", "CREATED", "TOOK"]
    assert ID in lines[1]
    assert "✓ completed" in lines[1]
    assert "42 ms" in lines[1]
    assert "✗ failed" in lines[2]
    assert service.asked[0]["query"] == "limit=20&status=failed&workflow=hello"


def test_list_reads_page_after_page(run, service):
    service.on(
        "GET",
        BASE,
        (200, {"items": [execution()] * 200, "next": "more"}),
        (200, {"items": [execution()] * 50, "next": None}),
    )
    result = run("executions", "list", "--limit", "1000", "-o", "json")
    assert len(json.loads(result.output)) == 250
    assert [asked["query"] for asked in service.asked] == ["limit=200", "limit=200&cursor=more"]


def test_an_empty_list_says_so_on_stderr_alone(run, service):
    service.on("GET", BASE, (200, {"items": [], "next": None}))
    result = run("executions", "list")
    assert (result.stdout, result.stderr) == ("", "No executions.\n")


def test_the_tenant_comes_from_the_option_or_the_environment(run, service, environment):
    path = "/api/v1/tenants/acme/executions"
    service.on("GET", path, (200, {"items": [], "next": None}))
    assert run("executions", "list", "-t", "acme").exit_code == 0
    environment.setenv("FLOWRUN_TENANT", "acme")
    assert run("executions", "list").exit_code == 0


def test_show_prints_the_head_and_the_nodes(run, service):
    service.on(
        "GET",
        f"{BASE}/{ID}",
        (200, execution("failed", error={"type": "http_status", "message": "no", "node_id": "call"})),
    )
    failed = node("call", "failed", attempt=3, error={"type": "http_status", "message": "no"}, output=None)
    skipped = node("after", "skipped", skip_reason="its parent failed", started_at=None, finished_at=None, output=None)
    service.on("GET", f"{BASE}/{ID}/nodes", (200, {"items": [node("first"), failed, skipped]}))
    printed = run("executions", "show", ID).output
    assert "hello  version 3" in printed
    assert "call: http_status: no" in printed
    rows = [line.split() for line in printed.splitlines()[-3:]]
    assert rows[0][:5] == ["first", "transform", "✓", "completed", "1"]
    assert '{"b": 2}' in printed
    assert rows[1][:5] == ["call", "transform", "✗", "failed", "3"]
    assert rows[2][-3:] == ["its", "parent", "failed"]


def test_show_says_what_waits_for_what(run, service):
    due, waiting = "2026-11-22T10:00:00.000Z", {"finished_at": None, "output": None}
    error = {"type": "http_status", "message": "no"}
    nodes = [
        node("call", "waiting", type="workflow", called="01a20a07-6df8", **waiting),
        node("pause", "waiting", type="delay", due_at=due, **waiting),
        node("ask", "waiting", type="wait_for_signal", **waiting),
        node("ask2", "waiting", type="wait_for_signal", due_at=due, **waiting),
        node("try", "retrying", error=error, due_at=due, **waiting),
    ]
    service.on("GET", f"{BASE}/{ID}", (200, execution("waiting")))
    service.on("GET", f"{BASE}/{ID}/nodes", (200, {"items": nodes}))
    lines = run("executions", "show", ID).output.splitlines()[-5:]
    told = [
        "for the execution 01a20a07-6df8",
        "until 2026-11-22",
        "for a signal",
        "for a signal, at most until 2026-11-22",
    ]
    for line, words in zip(lines, [*told, "http_status: no; again at 2026-11-22"], strict=True):
        assert words in line


def test_show_full_prints_inputs_and_outputs(run, service):
    service.on("GET", f"{BASE}/{ID}", (200, execution()))
    service.on("GET", f"{BASE}/{ID}/nodes", (200, {"items": [node("first")]}))
    printed = run("executions", "show", ID, "--full").output
    assert "  input   {" in printed
    assert '            "a": 1' in printed
    assert '            "b": 2' in printed


def test_latest_is_the_newest_execution(run, service):
    service.on("GET", BASE, (200, {"items": [execution()], "next": None}))
    service.on("GET", f"{BASE}/{ID}", (200, execution()))
    service.on("GET", f"{BASE}/{ID}/nodes", (200, {"items": []}))
    assert ID in run("executions", "show", "latest").output


def test_latest_needs_one(run, service):
    service.on("GET", BASE, (200, {"items": [], "next": None}))
    result = run("executions", "show", "latest")
    assert result.exit_code == 1
    assert "no executions yet" in result.stderr


def test_what_a_payload_holds_never_reaches_the_terminal_as_a_command(run, service):
    service.on("GET", f"{BASE}/{ID}", (200, execution()))
    service.on("GET", f"{BASE}/{ID}/nodes", (200, {"items": [node("first", output="\x9b2J\x1b[2J")]}))
    for flags in ((), ("--full",)):
        printed = run("executions", "show", ID, *flags).output
        assert "\x9b" not in printed
        assert "\x1b" not in printed


def test_history_prints_each_event(run, service):
    events = [event(1, "ExecutionCreated"), event(2, "NodeCompleted", "first", output={"b": 2})]
    service.on("GET", f"{BASE}/{ID}/history", (200, {"items": events, "next": None}))
    printed = run("executions", "history", ID).output.splitlines()
    assert "ExecutionCreated" in printed[0]
    assert printed[1].split()[2:4] == ["NodeCompleted", "first"]
    assert printed[1].endswith('{"b": 2}')


def test_history_reads_page_after_page(run, service):
    service.on(
        "GET",
        f"{BASE}/{ID}/history",
        (200, {"items": [event(1, "ExecutionCreated")], "next": 1}),
        (200, {"items": [event(2, "ExecutionCompleted")], "next": None}),
    )
    found = json.loads(run("executions", "history", ID, "-o", "json").output)
    assert [one["seq"] for one in found] == [1, 2]
    assert service.asked[1]["query"].startswith("after=1&")


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 1), ("timed_out", 1)])
def test_watch_follows_to_the_end_and_tells_the_outcome(run, service, monkeypatch, status, code):
    monkeypatch.setattr("flowrun.cli.watch._AGAIN_SECONDS", 0)
    stopping, finished = {"reason": "stopping"}, {"reason": "finished", "status": status}
    service.on(
        "GET",
        f"{BASE}/{ID}/stream",
        (200, sent(history=event(1, "ExecutionCreated"), end=stopping)),
        (503, {"type": "unavailable", "detail": "The service is shutting down"}),
        (200, ": alive\n\n" + sent(history=event(2, "ExecutionCompleted"), end=finished)),
    )
    result = run("executions", "watch", ID)
    assert result.exit_code == code
    assert [line.split()[0] for line in result.output.splitlines()] == ["1", "2"]
    assert [asked["headers"].get("Last-Event-ID") for asked in service.asked] == [None, "1", "1"]


def sent(**events):
    """Server-sent events, by name."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events.items())


@pytest.mark.parametrize("name", ["pause", "resume", "cancel", "terminate", "retry"])
def test_a_command_is_sent(run, service, name):
    service.on("POST", f"{BASE}/{ID}/{name}", (202, {"execution_id": ID, "status": "running"}))
    result = run("executions", name, ID)
    assert result.exit_code == 0
    assert ID in result.output


def test_an_execution_is_deleted_by_its_id_alone(run, service):
    service.on("DELETE", f"{BASE}/{ID}", (204, None))
    assert run("executions", "delete", ID).output == f"{ID} is deleted\n"
    assert run("executions", "delete", "latest").exit_code == 2


def test_a_reason_is_sent_along(run, service):
    service.on("POST", f"{BASE}/{ID}/cancel", (202, {"execution_id": ID, "status": "cancelling"}))
    run("executions", "cancel", ID, "--reason", "wrong order")
    assert json.loads(service.asked[0]["body"]) == {"reason": "wrong order"}


def test_an_impossible_command_says_why(run, service):
    service.on("POST", f"{BASE}/{ID}/pause", (409, {"type": "conflict", "detail": "The execution is completed"}))
    result = run("executions", "pause", ID)
    assert (result.exit_code, result.stderr) == (1, "Error: The execution is completed\n")


def test_rerun_prints_the_new_id(run, service):
    service.on("POST", f"{BASE}/{ID}/rerun", (202, {"execution_id": "new", "rerun_of": ID}))
    result = run("executions", "rerun", ID, "--from-node", "call", "--input", '{"a": 2}')
    assert result.output == "new\n"
    assert json.loads(service.asked[0]["body"]) == {"from_node": "call", "input": {"a": 2}}


def test_start_prints_the_id(run, service):
    service.on("POST", "/api/v1/tenants/default/workflows/hello/executions", (202, {"execution_id": ID}))
    result = run("start", "hello", "--input", "-", "--idempotency-key", "k1", stdin='{"name": "you"}')
    assert result.output == f"{ID}\n"
    assert json.loads(service.asked[0]["body"]) == {"input": {"name": "you"}}
    assert service.asked[0]["headers"]["Idempotency-Key"] == "k1"


@pytest.mark.parametrize(
    ("ended", "code", "stdout", "stderr"),
    [
        (execution(output={"x": 1}), 0, '{\n  "x": 1\n}\n', ""),
        (
            execution("failed", error={"type": "t", "message": "m", "node_id": "n"}),
            1,
            "",
            "✗ failed  n: t: m\n",
        ),
    ],
)
def test_start_and_wait_prints_the_result_and_tells_the_outcome(run, service, monkeypatch, ended, code, stdout, stderr):
    monkeypatch.setattr("flowrun.cli.watch.POLL_SECONDS", 0)
    service.on("GET", BASE, (200, {"items": [], "next": None}))
    service.on("POST", "/api/v1/tenants/default/workflows/hello/executions", (202, {"execution_id": ID}))
    service.on("GET", f"{BASE}/{ID}", (200, execution("running")), (200, ended))
    result = run("start", "hello", "--wait")
    assert (result.exit_code, result.stdout, result.stderr) == (code, stdout, stderr)


def test_the_input_can_be_a_file(run, service, tmp_path):
    file = tmp_path / "input.json"
    file.write_text("[1, 2]")
    service.on("POST", "/api/v1/tenants/default/workflows/hello/executions", (202, {"execution_id": ID}))
    assert run("start", "hello", "-i", f"@{file}").exit_code == 0
    assert json.loads(service.asked[0]["body"]) == {"input": [1, 2]}


@pytest.mark.parametrize(
    ("given", "said"), [("{", "--input is not JSON"), ("you", "in quotes"), ("@absent.json", "cannot be read")]
)
def test_an_input_that_cannot_be_read_is_refused_before_anything_is_asked(run, service, given, said):
    result = run("start", "hello", "--input", given)
    assert result.exit_code == 2
    assert said in result.stderr
    assert service.asked == []


@pytest.mark.parametrize("page", ["<html>It works!</html>", {"hello": "world"}, ["a"]])
def test_what_is_no_flowrun_is_called_so(run, service, page):
    service.on("GET", BASE, (200, page))
    result = run("executions", "list")
    assert result.exit_code == 2
    assert "no flowrun service; look at --url" in result.stderr


def test_a_key_that_may_not_look_starts_nothing_to_wait_for(run, service):
    service.on("GET", BASE, (403, {"detail": "This key lacks the scope 'read'"}))
    result = run("start", "hello", "--wait")
    assert (result.exit_code, "lacks the scope" in result.stderr) == (1, True)
    assert [one["method"] for one in service.asked] == ["GET"]


def test_an_interrupted_wait_says_that_the_execution_goes_on(run, service, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("flowrun.cli.watch.wait", interrupted)
    service.on("GET", BASE, (200, {"items": [], "next": None}))
    service.on("POST", "/api/v1/tenants/default/workflows/hello/executions", (202, {"execution_id": ID}))
    result = run("start", "hello", "--wait")
    assert (result.exit_code, result.stderr) == (130, f"The execution {ID} goes on: flowrun executions watch {ID}\n")


@pytest.mark.usefixtures("service")
def test_an_interrupted_watch_ends_quietly(run, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("flowrun.cli.watch.follow", interrupted)
    result = run("executions", "watch", ID)
    assert (result.exit_code, result.stderr) == (130, "\n")
