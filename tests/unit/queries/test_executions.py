"""What is shown of executions, and how lists of them are read."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from flowrun.domain.states import ExecutionStatus
from flowrun.errors import InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.queries.get_execution import GetExecution
from flowrun.queries.get_history import GetHistory
from flowrun.queries.list_executions import ListAllExecutions, ListExecutions, statements

NOW = 1_800_000_000_000
FLOW = [{"id": "t", "type": "manual"}, {"id": "a", "type": "noop"}]


def uuid7(number, at=NOW):
    digits = f"{at:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


@pytest.fixture
def flow(database):
    database.workflow("flow", FLOW, [("t", "a")])
    return database


async def test_the_document_of_a_completed_execution(flow):
    flow.execution("x", status="completed", result_seq=3, started_at=NOW, finished_at=NOW + 1500)
    created = {"trigger": {"type": "manual", "body": {"n": 1}}, "trigger_node": "t", "by": "key:1"}
    flow.events("x", ("ExecutionCreated", created), ("ExecutionStarted", None), ("ExecutionCompleted", {"output": [1]}))
    flow.run("x", "t", "completed")
    found = await flow.ask(GetExecution(tenant_id="acme", execution_id="x"))
    assert found | {"progress": None} == {
        "id": "x",
        "workflow_id": "flow",
        "tenant_id": "acme",
        "version": 1,
        "status": "completed",
        "trigger_type": "manual",
        "rerun_of": None,
        "reason": None,
        "input": {"n": 1},
        "output": [1],
        "error": None,
        "trigger": {"node": "t", "type": "manual"},
        "triggered_by": "key:1",
        "created_at": "2027-01-15T08:00:00.000Z",
        "started_at": "2027-01-15T08:00:00.000Z",
        "finished_at": "2027-01-15T08:00:01.500Z",
        "duration": 1.5,
        "progress": None,
    }
    progress = found["progress"]
    assert (progress["total"], progress["completed"], progress["pending"]) == (2, 1, 1)


async def test_the_output_of_one_that_responded_is_the_response(flow):
    flow.execution("x", status="completed", result_seq=4)
    flow.events(
        "x",
        ("ExecutionCreated", {"trigger": {"body": 1}, "input": 2}),
        ("NodeCompleted", {"output": 'a text with "responds":true in it'}, "t"),
        ("NodeCompleted", {"output": {"status": 201, "body": {"ok": True}}, "responds": True}, "a"),
        ("ExecutionCompleted", None),
    )
    found = await flow.ask(GetExecution(tenant_id="acme", execution_id="x"))
    assert (found["input"], found["output"], found["trigger"]["body"]) == (2, {"ok": True}, 1)


async def test_a_failed_one_has_its_error(flow):
    flow.execution("x", status="failed", result_seq=2)
    flow.events("x", ("ExecutionCreated", {"trigger": {}}), ("ExecutionFailed", {"error": {"type": "boom"}}))
    found = await flow.ask(GetExecution(tenant_id="acme", execution_id="x"))
    assert (found["error"], found["output"]) == ({"type": "boom"}, None)
    with pytest.raises(NotFoundError):
        await flow.ask(GetExecution(tenant_id="globex", execution_id="x"))


async def test_history_comes_in_pages(flow):
    flow.execution("x")
    flow.events("x", *(("NodeCompleted", {"output": n}, "a") for n in range(5)))
    first = await flow.ask(GetHistory(tenant_id="acme", execution_id="x", limit=3))
    rest = await flow.ask(GetHistory(tenant_id="acme", execution_id="x", after_seq=first["next"]))
    assert [event["seq"] for event in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert (first["next"], rest["next"]) == (3, None)
    with pytest.raises(InvalidInputError):
        await flow.ask(GetHistory(tenant_id="acme", execution_id="x", limit=1001))


@pytest.fixture
def many(flow):
    for n in range(12):
        status = ("completed", "failed", "running")[n % 3]
        workflow = ("flow", "other")[n % 2]
        flow.execution(uuid7(n, NOW + n * 1000), status=status, workflow_id=workflow, created_at=NOW + n * 1000)
    for workflow in ("other",):
        flow.workflow(workflow, FLOW)
    flow.execution(uuid7(99), tenant_id="globex")
    return flow


async def ids(database, **query):
    found = await database.ask(ListExecutions(tenant_id="acme", **query))
    return [int(item["id"][-12:], 16) for item in found["items"]]


FAILED, RUNNING = ExecutionStatus.FAILED, ExecutionStatus.RUNNING


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"limit": 3}, [11, 10, 9]),
        ({"status": (FAILED,)}, [10, 7, 4, 1]),
        ({"status": (FAILED, RUNNING), "limit": 5}, [11, 10, 8, 7, 5]),
        ({"workflow_id": "other", "status": (FAILED,)}, [7, 1]),
        ({"since": NOW + 9000}, [11, 10, 9]),
        ({"until": NOW + 2000}, [1, 0]),
        ({"since": NOW + 2000, "until": NOW + 4000, "workflow_id": "flow"}, [2]),
        ({"q": "othe", "limit": 2}, [11, 9]),
        ({"q": "nothing"}, []),
        ({"q": uuid7(4, NOW + 4000)}, [4]),
        ({"q": "%"}, []),
    ],
)
async def test_lists_are_newest_first_and_filtered(many, query, expected):
    assert await ids(many, **query) == expected


async def test_cursors_lead_through_everything_once(many):
    seen, cursor = [], None
    while True:
        found = await many.ask(ListExecutions(tenant_id="acme", status=(FAILED, RUNNING), limit=3, cursor=cursor))
        seen += [item["id"] for item in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)


async def test_progress_is_counted_for_a_page(many):
    many.run(uuid7(11, NOW + 11_000), "t", "completed")
    found = await many.ask(ListExecutions(tenant_id="acme", limit=1, progress=True))
    progress = found["items"][0]["progress"]
    assert (progress["total"], progress["completed"], progress["pending"]) == (2, 1, 1)


async def test_an_unknown_tenant_is_not_an_empty_one(database):
    assert await ids(database) == []
    with pytest.raises(NotFoundError):
        await database.ask(ListExecutions(tenant_id="nobody"))


STATES = {"since": NOW, "cursor": "MDE", "status": (FAILED, RUNNING)}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "executions_by_tenant"),
        ({"cursor": "eA"}, "executions_by_tenant"),
        ({"since": NOW, "until": NOW + 1}, "executions_by_tenant"),
        ({"status": (FAILED,)}, "executions_by_status"),
        ({"status": (FAILED, RUNNING)}, "executions_by_status"),
        ({"workflow_id": "flow"}, "executions_by_workflow"),
        ({"workflow_id": "flow", **STATES}, "executions_by_workflow"),
        ({"q": "oth"}, "executions_by_workflow"),
        ({"q": "oth", **STATES}, "executions_by_workflow"),
        ({"q": "01"}, "executions_by_tenant"),
        ({"q": "01", **STATES}, "executions_by_status"),
        ({"tenant_id": None}, "SCAN x"),
        ({"tenant_id": None, "since": NOW}, "PRIMARY KEY"),
        ({"tenant_id": None, **STATES}, "executions_by_status"),
        ({"tenant_id": None, "workflow_id": "flow"}, "executions_by_workflow"),
    ],
)
async def test_every_filter_walks_an_index_from_its_newest_end(many, query, index):
    found = await statements(ListExecutions(**{"tenant_id": "acme"} | query), many.context)
    assert found
    for statement in found:
        compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        with many.engine.connect() as connection:
            plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
        walked = next(line for line in plan if re.search(r"\bx\b", line))
        assert index in walked, plan
        # What is sorted is the newest of each combination, never what an index holds.
        assert not any("TEMP B-TREE" in line for line in plan) or "CORRELATED" in str(plan), plan
        assert not any("TEMP B-TREE" in line for line in plan[plan.index(walked) + 1 : -1]), plan


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [99, 98, 11]),
        ({"status": (FAILED,)}, [10, 7, 4]),
        ({"workflow_id": "other"}, [98, 11, 9]),
        ({"workflow_id": "other", "status": (RUNNING,)}, [98, 11, 5]),
        ({"q": "other", "until": NOW + 11_000}, [9, 7, 5]),
        ({"since": NOW + 10_500, "q": "01"}, [99, 98, 11]),
    ],
)
async def test_the_lists_of_all_tenants(many, query, expected):
    many.add(t.tenants, {"id": "globex", "name": "g", "status": "active", "created_at": NOW})
    many.execution(uuid7(99, NOW + 20_000), tenant_id="globex", status="completed")
    many.execution(uuid7(98, NOW + 15_000), tenant_id="globex", workflow_id="other")
    document = {"tenant_id": "globex", "workflow_id": "other", "version": 1, "definition": "{}", "created_at": NOW}
    many.add(t.workflow_versions, document)
    found = await many.ask(ListAllExecutions(**query, limit=3))
    assert [int(item["id"][-12:], 16) for item in found["items"]] == expected


async def test_what_the_nodes_of_a_list_say(many):
    eid = uuid7(11, NOW + 11_000)
    for node, status in (("t", "completed"), ("a", "running")):
        many.run(eid, node, status)
    found = await many.ask(ListExecutions(tenant_id="acme", limit=2, progress=True))
    assert [item["nodes"] for item in found["items"]] == [
        {"total": 2, "done": 1, "failed": 0, "running": ["a"], "failed_at": None},
        {"total": 2, "done": 0, "failed": 0, "running": [], "failed_at": None},
    ]


async def test_many_workflows_that_a_text_names_are_looked_for_among_the_executions(many):
    for number in range(40):
        many.workflow(f"many-{number}", FLOW)
        many.execution(uuid7(200 + number, NOW + 30_000 + number), workflow_id=f"many-{number}")
    assert await ids(many, q="many-", limit=3) == [239, 238, 237]
    assert await ids(many, q="many-", status=(FAILED,)) == []
    assert await ids(many, q="many-1", limit=3) == [219, 218, 217]
