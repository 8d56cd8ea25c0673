"""A test case runs its workflow through the real decisions, in virtual time, with stand-ins for the world."""

from __future__ import annotations

import pytest

from flowrun.formats import read_document, read_workflow
from flowrun.formats.read_cases import read_cases
from flowrun.nodes.registry import builtin_types
from flowrun.rehearsal.rehearse import Verdict, rehearse

TYPES = builtin_types()
CALL = """
nodes:
  - {id: t, type: manual, params: {inputs: {n: {type: integer, default: 4}}}}
  - {id: call, type: http, params: {url: "https://x.example/{{ input.n }}",
     auth: {type: bearer, token: "{{ secrets.KEY }}"}}, retry: {max_attempts: 3, initial_interval: 10s}, timeout: 5s}
  - {id: done, type: transform, params: {value: "{{ input.body }}"}}
edges: [t -> call, call -> done]
"""
LOOP = """
nodes:
  - {id: t, type: manual}
  - {id: each, type: for_each, params: {items: "{{ input }}", concurrency: 2}}
  - {id: call, type: http, params: {url: "https://x.example/{{ item }}"}}
  - {id: got, type: transform, params: {value: "{{ input.body }}"}}
  - {id: sum, type: code, params: {source: "return sum(input)"}}
edges:
  - t -> each
  - {source: each, target: call, source_handle: each}
  - call -> got
  - {source: each, target: sum, source_handle: done}
"""
ASK = """
timeout: 3d
nodes:
  - {id: t, type: manual}
  - {id: pause, type: delay, params: {for: 1h}}
  - {id: ask, type: wait_for_signal, params: {name: go, timeout: 24h}}
  - {id: yes, type: transform, params: {value: "{{ input.data }}"}}
  - {id: late, type: transform, params: {value: late}}
edges:
  - t -> pause
  - pause -> ask
  - ask -> yes
  - {source: ask, target: late, source_handle: timeout}
"""
CHILD = """
timeout: 10m
nodes:
  - {id: t, type: manual}
  - {id: child, type: workflow, params: {workflow_id: other, input: {a: "{{ vars.a }}"}}}
edges: [t -> child]
variables: {a: 1}
"""
HOOK = """
nodes:
  - {id: hook, type: webhook, params: {path: "a/{id}", auth: none, response_mode: response_node, methods: [PUT],
     filter: "trigger.body.ok", map: {id: "{{ trigger.path.id }}", q: "{{ trigger.query.q }}",
     h: "{{ trigger.headers }}", m: "{{ trigger.method }}"}}}
  - {id: cron, type: schedule, params: {cron: "0 9 * * *", map: {at: "{{ trigger.scheduled_at }}"}}}
  - {id: event, type: event, params: {event_type: order.*, filter: "trigger.event.subject == 'a'"}}
  - {id: answer, type: respond, params: {status: 201, headers: {x: "1"}}}
edges: [hook -> answer, cron -> answer, event -> answer]
"""
OUT = {"body": 7}
FAILS = {"error": {"type": "busy", "retryable": True}}


async def verdict(workflow: str, **keys) -> Verdict:
    document = {"id": "w", **read_document(workflow), "tests": [keys]}
    definition = read_workflow(document).definition
    read = read_cases(document, definition, TYPES)
    assert read.issues == ()
    return await rehearse(read.cases[0], definition, TYPES)


@pytest.mark.parametrize(
    ("workflow", "case"),
    [
        pytest.param(
            CALL,
            {
                "mocks": {"call": {"output": OUT, "after": "2s"}},
                "secrets": {"KEY": "k"},
                "expect": {
                    "output": 7,
                    "took": "2s",
                    "path": ["t", "call", "done"],
                    "nodes": {
                        "call": {"attempts": 1, "params": {"url": "https://x.example/4", "auth": {"token": "k"}}},
                        "t": {"output": {"n": 4}},
                        "done": {"input": OUT},
                    },
                },
            },
            id="a call",
        ),
        pytest.param(
            CALL,
            {
                "mocks": {"call": {"output": OUT}},
                "expect": {"nodes": {"call": {"params": {"auth": {"token": "<KEY>"}}}}},
            },
            id="a secret that nobody names",
        ),
        pytest.param(
            CALL,
            {
                "mocks": {"call": [FAILS, FAILS, {"output": OUT}]},
                "expect": {"took": "30s", "nodes": {"call": {"attempts": 3}}},
            },
            id="retries wait as long as they may",
        ),
        pytest.param(
            CALL,
            {
                "mocks": {
                    "call": [{"error": {"type": "busy", "retryable": True, "retry_after": "1m"}}, {"output": OUT}]
                },
                "expect": {"took": "1m"},
            },
            id="retry-after",
        ),
        pytest.param(
            CALL,
            {
                "mocks": {"call": FAILS},
                "expect": {
                    "status": "failed",
                    "error": {"type": "busy", "attempt": 3},
                    "nodes": {"done": {"status": "pending"}},
                },
            },
            id="the last attempt stands for all that follow",
        ),
        pytest.param(
            CALL,
            {
                "mocks": {"call": [{"output": OUT, "after": "5s"}, {"output": OUT}]},
                "expect": {"took": "15s", "nodes": {"call": {"status": "completed", "attempts": 2}}},
            },
            id="a timeout of a node",
        ),
        pytest.param(
            CALL,
            {"mocks": {"call": {"error": {"type": "gone"}}}, "expect": {"error": {"type": "gone"}, "took": 0}},
            id="not retryable",
        ),
        pytest.param(
            LOOP,
            {
                "input": ["a", "b", "c"],
                "mocks": {"call": {"output": {"body": 1}, "after": "1s"}, "call[1]": {"output": {"body": 5}}},
                "expect": {
                    "output": 7,
                    "took": "1s",
                    "nodes": {
                        "call": {"attempts": 1},
                        "call[1]": {"output": {"body": 5}},
                        "got[2]": {"input": {"body": 1}},
                        "call[2]": {"params": {"url": "https://x.example/c"}},
                        "each": {"output": [1, 5, 1]},
                    },
                },
            },
            id="iterations, and code for real",
        ),
        pytest.param(
            LOOP,
            {
                "input": [1],
                "mocks": {"call": {"output": OUT}, "sum": {"output": "mocked"}},
                "expect": {"output": "mocked"},
            },
            id="code can be mocked",
        ),
        pytest.param(
            ASK, {"signals": [{"name": "go", "data": 3}], "expect": {"output": 3, "took": "1h"}}, id="by name"
        ),
        pytest.param(
            ASK, {"signals": [{"node": "ask", "data": 3, "after": "2h"}], "expect": {"took": "3h"}}, id="after a while"
        ),
        pytest.param(ASK, {"expect": {"output": "late", "took": "25h"}}, id="nobody answers"),
        pytest.param(
            ASK,
            {"signals": [{"name": "go", "data": 3, "at": "10m"}], "expect": {"output": 3, "took": "1h"}},
            id="before the node waits",
        ),
        pytest.param(
            CHILD,
            {
                "vars": {"a": 2},
                "mocks": {"child": {"output": "x", "after": "9m"}},
                "expect": {
                    "output": "x",
                    "took": "9m",
                    "nodes": {"child": {"params": {"workflow_id": "other", "input": {"a": 2}}}},
                },
            },
            id="a called workflow",
        ),
        pytest.param(
            CHILD,
            {
                "mocks": {"child": {"error": {"type": "workflow_failed"}}},
                "expect": {"error": {"type": "workflow_failed"}},
            },
            id="a called workflow that fails",
        ),
        pytest.param(
            CHILD,
            {
                "mocks": {"child": {"output": "x", "after": "11m"}},
                "expect": {"status": "timed_out", "took": "10m", "nodes": {"child": {"status": "cancelled"}}},
            },
            id="the timeout of the whole",
        ),
        pytest.param(
            HOOK,
            {
                "path": {"id": "7"},
                "query": {"q": "x"},
                "headers": {"X-A": 1, "Authorization": "Basic x"},
                "body": {"ok": True},
                "expect": {
                    "response": {
                        "status": 201,
                        "headers": {"x": "1"},
                        "body": {"id": "7", "q": "x", "m": "PUT", "h": {"x-a": "1", "authorization": "[redacted]"}},
                    },
                    "nodes": {"cron": {"status": "skipped", "skip_reason": "another trigger started the execution"}},
                },
            },
            id="a request",
        ),
        pytest.param(HOOK, {"body": {"ok": False}, "expect": {"status": "filtered", "path": []}}, id="filtered"),
        pytest.param(
            HOOK,
            {
                "trigger": "cron",
                "scheduled_at": "2026-05-01T09:00:00Z",
                "expect": {"response": {"body": {"at": "2026-05-01T09:00:00.000Z"}}},
            },
            id="a schedule",
        ),
        pytest.param(
            HOOK,
            {"trigger": "event", "event": {"subject": "a"}, "body": 3, "expect": {"response": {"body": 3}}},
            id="an event",
        ),
    ],
)
async def test_a_case_is_as_expected(workflow, case):
    found = await verdict(workflow, **case)
    assert (found.problems, found.mismatches) == ([], [])


@pytest.mark.parametrize(
    ("workflow", "case", "problem"),
    [
        (CALL, {}, "no mock for the http node `call`: add mocks.call"),
        (CHILD, {}, "no mock for the workflow node `child`: add mocks.child"),
        (CALL, {"input": {"n": "x"}}, "it cannot start: The input is not valid; input.n: must be a whole number"),
        (HOOK, {"body": 3, "trigger": "event", "expect": {"status": "filtered"}}, None),
        (
            ASK,
            {"signals": [{"name": "go"}, {"name": "go"}]},
            "nothing waited for the signal `go`",
        ),
        (
            ASK,
            {"signals": [{"name": "go", "at": "1m"}, {"name": "go", "at": "2m"}]},
            "the signal for `go` is refused: Nothing waits for the signal go any more",
        ),
    ],
)
async def test_what_keeps_a_case_from_its_end_is_told(workflow, case, problem):
    found = await verdict(workflow, **case)
    assert found.problems == ([] if problem is None else [problem])
    assert found.passed is (problem is None)


async def test_of_several_messages_in_one_request_a_case_follows_the_first_that_passes():
    messages = [{"sender": {"id": who}, "message": {"mid": who}} for who in "abc"]
    workflow = """
nodes:
  - {id: hook, type: webhook, params: {path: a, auth: none, filter: "trigger.event.customer_id != 'a'",
     map: {id: "{{ trigger.event.data.message_id }}"}}}
"""
    body = {"object": "instagram", "entry": [{"messaging": messages}]}
    assert (await verdict(workflow, body=body, expect={"output": {"id": "b"}})).passed


async def test_what_differs_is_told_and_what_each_node_did():
    expect = {"output": 8, "path": ["t"], "took": "1s", "nodes": {"call": {"status": "failed"}}}
    found = await verdict(CALL, mocks={"call": {"output": OUT}}, expect=expect)
    assert [(one.path, one.expected, one.actual) for one in found.mismatches] == [
        ("output", 8, 7),
        ("path", ["t"], ["t", "call", "done"]),
        ("took", "1s", "0s"),
        ("nodes.call.status", "failed", "completed"),
    ]
    assert [(one.label, one.status) for one in found.nodes] == [
        ("t", "completed"),
        ("call", "completed"),
        ("done", "completed"),
    ]


async def test_the_clock_and_the_id_are_the_same_in_every_run():
    workflow = """
    nodes:
      - {id: t, type: manual}
      - {id: d, type: delay, params: {for: 90s}}
      - {id: out, type: transform, params: {value: {id: "{{ execution.id }}", at: "{{ to_iso(now()) }}"}}}
    edges: [t -> d, d -> out]
    """
    runs = [await verdict(workflow, now="2026-02-03T04:05:06Z") for _ in range(2)]
    first, second = (run.nodes[-1].output for run in runs)
    assert first == second
    assert "2026-02-03T04:06:36" in str(first)


async def test_ten_thousand_items_take_no_time():
    found = await verdict(LOOP, input=list(range(10_000)), mocks={"call": {"output": OUT, "after": "1s"}})
    assert (found.problems, found.mismatches) == ([], [])
    assert (found.took, len(found.nodes)) == (5000.0, 20_003)
