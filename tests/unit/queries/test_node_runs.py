"""What is shown of node runs: payloads are stored once and put together here."""

from __future__ import annotations

import pytest

from flowrun.errors import NotFoundError
from flowrun.queries.get_node_run import GetNodeRun
from flowrun.queries.list_node_runs import ListNodeRuns

ERROR = {"type": "boom", "message": "boom", "source": "node"}
STEP = "noop"


@pytest.fixture
def joined(database):
    """t → a, b, c → j → z: a is completed, b continues with its error, c failed into its error output."""
    nodes = [{"id": "t", "type": "manual"}, *({"id": node, "type": STEP} for node in ("a", "b", "c", "j", "z"))]
    edges = [("t", "a"), ("t", "b"), ("t", "c"), ("a", "j"), ("b", "j"), ("c", "j"), ("j", "z")]
    database.workflow("flow", nodes, edges)
    database.execution("x")
    database.events(
        "x",
        ("ExecutionCreated", {"trigger": {"type": "manual", "body": {"n": 1}}, "trigger_node": "t"}),
        ("NodeCompleted", {"output": {"n": 1}}, "t"),
        ("NodeCompleted", {"output": "A"}, "a"),
        ("NodeFailed", {"error": ERROR, "handling": "continue"}, "b"),
        ("NodeFailed", {"error": ERROR, "handling": "error_output"}, "c"),
        ("NodeQueued", {"attempt": 1, "dispatch": 1}, "j"),
    )
    database.run("x", "t", "completed", result_seq=2)
    database.run("x", "a", "completed", sources=["t"], result_seq=3)
    database.run("x", "b", "failed", sources=["t"], result_seq=4, handling="continue")
    database.run("x", "c", "failed", sources=["t"], result_seq=5, handling="error_output")
    database.run("x", "j", "queued", sources=["a", "b", "c"])
    return database


JOINED_INPUT = {"a": "A", "b": ERROR, "c": {"error": ERROR, "input": {"n": 1}}}


async def test_inputs_are_the_parents_payloads(joined):
    found = await joined.ask(ListNodeRuns(tenant_id="acme", execution_id="x"))
    items = {item["node_id"]: item for item in found["items"]}
    assert list(items) == ["t", "a", "b", "c", "j", "z"]
    assert items["t"]["input"] == items["a"]["input"] == {"n": 1}
    assert items["j"]["input"] == JOINED_INPUT
    assert (items["a"]["output"], items["b"]["output"], items["b"]["error"]) == ("A", None, ERROR)
    assert (items["z"]["status"], items["z"]["input"], items["z"]["attempts"]) == ("pending", None, [])
    assert items["t"]["type"] == "manual"


async def test_one_node_run_is_what_the_list_says(joined):
    listed = (await joined.ask(ListNodeRuns(tenant_id="acme", execution_id="x")))["items"]
    for item in listed:
        one = await joined.ask(GetNodeRun(tenant_id="acme", execution_id="x", node_id=item["node_id"]))
        assert one == item


async def test_payloads_can_be_left_out(joined):
    found = await joined.ask(ListNodeRuns(tenant_id="acme", execution_id="x", payload=False))
    items = {item["node_id"]: item for item in found["items"]}
    assert "input" not in items["a"]
    assert "output" not in items["a"]
    assert items["b"]["error"] == ERROR


async def test_attempts_are_the_same_without_payloads(database):
    nodes = [{"id": "t", "type": "manual"}, {"id": "ran", "type": STEP}, {"id": "left", "type": STEP}]
    database.workflow("flow", nodes, [("t", "ran"), ("ran", "left")])
    database.execution("x")
    queued = {"attempt": 1, "dispatch": 1}
    database.events(
        "x",
        ("ExecutionCreated", {"input": 5, "trigger": {}}),
        ("NodeQueued", queued, "ran"),
        ("NodeCompleted", {"output": "A", "started_at": 7}, "ran"),
        ("NodeQueued", queued, "left"),
        ("NodeCompleted", {"output": "B", "by": "operator"}, "left"),
    )
    for node, number in (("ran", 3), ("left", 5)):
        database.run("x", node, "completed", sources=["t"], result_seq=number)
    whole, small = [
        (await database.ask(ListNodeRuns(tenant_id="acme", execution_id="x", payload=payload)))["items"]
        for payload in (True, False)
    ]
    assert [item["attempts"] for item in small] == [item["attempts"] for item in whole]
    _, ran, left = [item["attempts"] for item in small]
    assert ran[0]["started_at"] == "1970-01-01T00:00:00.007Z"
    assert left[0]["status"] == "cancelled"


async def test_a_foreign_tenant_and_an_unknown_node_do_not_exist(joined):
    with pytest.raises(NotFoundError):
        await joined.ask(ListNodeRuns(tenant_id="globex", execution_id="x"))
    with pytest.raises(NotFoundError):
        await joined.ask(GetNodeRun(tenant_id="acme", execution_id="x", node_id="q"))
    with pytest.raises(NotFoundError):
        await joined.ask(GetNodeRun(tenant_id="acme", execution_id="x", node_id="a", iteration="3"))


async def test_a_long_error_path_is_no_matter_of_the_stack(database):
    count = 2_000
    nodes = [{"id": "t", "type": "manual"}, *({"id": f"n{n}", "type": STEP} for n in range(count))]
    edges = [("t", "n0"), *((f"n{n}", f"n{n + 1}") for n in range(count - 1))]
    database.workflow("flow", nodes, edges)
    database.execution("x")
    failed = [("NodeFailed", {"error": ERROR, "handling": "error_output"}, f"n{n}") for n in range(count)]
    database.events("x", ("ExecutionCreated", {"input": 5, "trigger": {}}), *failed)
    for n in range(count):
        parent = ["t"] if n == 0 else [f"n{n - 1}"]
        database.run("x", f"n{n}", "failed", sources=parent, result_seq=n + 2, handling="error_output")
    found = await database.ask(ListNodeRuns(tenant_id="acme", execution_id="x"))
    depth, value = 0, found["items"][-1]["input"]
    while isinstance(value, dict):
        depth, value = depth + 1, value["input"]
    assert depth == count - 1


async def test_a_loop_is_under_way_from_its_first_item_on(database):
    nodes = [{"id": "t", "type": "manual"}, {"id": "l", "type": "for_each", "params": {"items": "[1]"}}]
    database.workflow("flow", nodes, [("t", "l")])
    for name, more in (("runs", ()), ("ended", (("NodeCompleted", {"output": []}, "l"),))):
        database.execution(name)
        database.events(name, ("ExecutionCreated", {"trigger": {}}), ("LoopStarted", {"total": 1}, "l"), *more)
        database.run(name, "l", "completed" if more else "running", sources=["t"])
        (attempt,) = (await database.ask(GetNodeRun(tenant_id="acme", execution_id=name, node_id="l")))["attempts"]
        assert attempt["started_at"] == "2027-01-15T08:00:02.000Z"
        assert attempt["finished_at"] == ("2027-01-15T08:00:03.000Z" if more else None)


TRIED = [
    ("ExecutionCreated", {"trigger": {}}),
    ("NodeQueued", {"attempt": 1, "dispatch": 1}, "n"),
    ("NodeStarted", {"dispatch": 1, "started_at": 1_800_000_002_500}, "n"),
    ("NodeRetrying", {"error": ERROR, "due_at": 1_800_000_009_000}, "n"),
    ("NodeQueued", {"attempt": 2, "dispatch": 2}, "n"),
    ("NodeInterrupted", {"lost": 1}, "n"),
    ("NodeQueued", {"attempt": 2, "dispatch": 3}, "n"),
    ("NodeFailed", {"error": {**ERROR, "source": "timeout"}, "handling": "fail", "started_at": 1_800_000_007_500}, "n"),
    ("ExecutionRetried", None),
    ("NodeReset", None, "n"),
    ("NodeQueued", {"attempt": 1, "dispatch": 4}, "n"),
    ("NodeCompleted", {"output": 1, "started_at": 1_800_000_011_500}, "n"),
]


async def test_attempts_are_folded_from_the_events(database):
    database.workflow("flow", [{"id": "t", "type": "manual"}, {"id": "n", "type": STEP}], [("t", "n")])
    database.execution("x")
    database.events("x", *TRIED)
    database.run("x", "n", "completed", sources=["t"], result_seq=12)
    attempts = (await database.ask(GetNodeRun(tenant_id="acme", execution_id="x", node_id="n")))["attempts"]
    shown = [(one["attempt"], one["dispatch"], one["status"]) for one in attempts]
    assert shown == [(1, 1, "failed"), (2, 2, "interrupted"), (2, 3, "timed_out"), (1, 4, "completed")]
    first = attempts[0]
    assert (first["error"], first["due_at"]) == (ERROR, "2027-01-15T08:00:09.000Z")
    assert (first["queued_at"], first["started_at"], first["finished_at"]) == (
        "2027-01-15T08:00:02.000Z",
        "2027-01-15T08:00:02.500Z",
        "2027-01-15T08:00:04.000Z",
    )
    assert attempts[3]["started_at"] == "2027-01-15T08:00:11.500Z"
