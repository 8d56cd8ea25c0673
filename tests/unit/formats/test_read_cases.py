"""What is wrong with the test cases of a workflow file: everything at once, each at its place; and what is not."""

import pytest

from flowrun.formats import read_document, read_workflow, to_document
from flowrun.formats.cases import START
from flowrun.formats.read_cases import read_cases
from flowrun.nodes.registry import builtin_types

TYPES = builtin_types()
WORKFLOW = """
id: w
variables: {limit: 3}
nodes:
  - {id: t, type: manual}
  - {id: fetch, type: http, params: {url: "https://x.example"}}
  - {id: ask, type: wait_for_signal, params: {name: answer}}
  - {id: shape, type: transform, params: {value: 1}}
  - {id: child, type: workflow, params: {workflow_id: other}}
edges: [t -> fetch, fetch -> ask, ask -> shape, shape -> child]
"""
A_LIST = "must be a list"
AN_OBJECT = "must be an object"
D = "is not a duration"


def read(tests, **more):
    document = {**read_document(WORKFLOW), "tests": tests, **more}
    return read_cases(document, read_workflow(document).definition, TYPES)


def case(**keys):
    return [keys]


@pytest.mark.parametrize(
    ("tests", "path", "message", "suggestion"),
    [
        (3, "tests", "must be a list of test cases", None),
        ([{}] * 1001, "tests", "has 1,001 entries; at most 1,000", None),
        ([3], "tests[0]", AN_OBJECT, None),
        ([{"name": "a"}, {"name": "a"}], "tests[1].name", "is the name of tests[0] too", None),
        (case(mock={}), "tests[0].mock", "is not a known key", "mocks"),
        (case(trigger="fetch"), "tests[0].trigger", "fetch is no trigger", None),
        (case(trigger="fetsh"), "tests[0].trigger", "there is no node 'fetsh'", "fetch"),
        (case(input=1, body=2), "tests[0].input", "is the trigger's body by another name", None),
        (case(headers=[]), "tests[0].headers", AN_OBJECT, None),
        (case(method=1), "tests[0].method", "must be a text", None),
        (case(now="2026-01-01"), "tests[0].now", "must be a time with its zone", None),
        (case(now="soon"), "tests[0].now", "must be a time with its zone", None),
        (case(scheduledAt="soon"), "tests[0].scheduledAt", "must be a time with its zone", None),
        (case(vars={"limt": 1}), "tests[0].vars.limt", "is no variable of the workflow", "limit"),
        (case(vars=[]), "tests[0].vars", AN_OBJECT, None),
        (case(secrets={"A": 1}), "tests[0].secrets.A", "must be a text", None),
        (case(mocks=[]), "tests[0].mocks", AN_OBJECT, None),
        (case(mocks={"fetsh": {"output": 1}}), "tests[0].mocks.fetsh", "there is no node 'fetsh'", "fetch"),
        (case(mocks={"shape": {"output": 1}}), "tests[0].mocks.shape", "of type transform runs for real", None),
        (case(mocks={"t": {"output": 1}}), "tests[0].mocks.t", "of type manual starts executions", None),
        (case(mocks={"fetch": []}), "tests[0].mocks.fetch", "must have at least one attempt", None),
        (case(mocks={"fetch": [{"output": 1}, 2]}), "tests[0].mocks.fetch[1]", AN_OBJECT, None),
        (case(mocks={"fetch[x]": {"output": 1}}), 'tests[0].mocks["fetch[x]"]', "must name an iteration", None),
        (case(mocks={"fetch": {}}), "tests[0].mocks.fetch", "needs an output or an error", None),
        (
            case(mocks={"fetch": {"output": 1, "error": {"type": "x"}}}),
            "tests[0].mocks.fetch",
            "needs an output or",
            None,
        ),
        (case(mocks={"fetch": {"error": {}}}), "tests[0].mocks.fetch.error.type", "is required", None),
        (
            case(mocks={"fetch": {"error": {"type": "x", "retyrable": 1}}}),
            "tests[0].mocks.fetch.error.retyrable",
            "is not a known key",
            "retryable",
        ),
        (case(mocks={"fetch": {"output": 1, "after": "soon"}}), "tests[0].mocks.fetch.after", D, None),
        (case(mocks={"fetch": {"output": 1, "ports": ["mian"]}}), "tests[0].mocks.fetch.ports", "has no port", "main"),
        (case(signals={}), "tests[0].signals", A_LIST, None),
        (case(signals=[{}]), "tests[0].signals[0]", "needs a node or a name", None),
        (case(signals=[{"node": "ask", "name": "answer"}]), "tests[0].signals[0]", "needs a node or a name", None),
        (case(signals=[{"node": "fetch"}]), "tests[0].signals[0].node", "fetch waits for no signal", None),
        (case(signals=[{"name": "ansewr"}]), "tests[0].signals[0].name", "no node waits for this signal", "answer"),
        (case(signals=[{"node": "ask", "after": 1, "at": 1}]), "tests[0].signals[0].at", "write one of them", None),
        (case(expect=1), "tests[0].expect", AN_OBJECT, None),
        (case(expect={"state": 1}), "tests[0].expect.state", "is not a known key", "status"),
        (case(expect={"status": "complete"}), "tests[0].expect.status", "must be one of completed", "completed"),
        (case(expect={"took": "x"}), "tests[0].expect.took", D, None),
        (case(expect={"path": "t"}), "tests[0].expect.path", "must be a list of texts", None),
        (case(expect={"path": ["t", "x"]}), "tests[0].expect.path[1]", "there is no node 'x'", None),
        (case(expect={"nodes": {"fetsh": {}}}), "tests[0].expect.nodes.fetsh", "there is no node 'fetsh'", "fetch"),
        (case(expect={"nodes": {"fetch": 1}}), "tests[0].expect.nodes.fetch", AN_OBJECT, None),
        (case(expect={"nodes": {"fetch": {"ouput": 1}}}), "tests[0].expect.nodes.fetch.ouput", "is not a", "output"),
        (
            case(expect={"nodes": {"fetch": {"status": "done"}}}),
            "tests[0].expect.nodes.fetch.status",
            "must be one",
            None,
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tests, path, message, suggestion):
    (issue,) = read(tests).issues
    assert (issue.path, issue.suggestion) == (path, suggestion)
    assert message in issue.message


def test_a_case_is_read_with_its_defaults():
    (found,) = read(case()).cases
    assert (found.name, found.path, found.trigger, found.data, found.now) == ("case 1", "tests[0]", None, {}, START)
    assert found.expect.execution == {"status": "completed"}


def test_what_is_written_is_read():
    mocks = {
        "fetch": [{"error": {"type": "x", "retryAfter": "2s"}}, {"output": None, "after": "1m"}],
        "child": {"output": 1},
    }
    expect = {"status": "timed-out", "output": None, "path": [], "nodes": {"fetch[0]": {"error": None}}, "took": "1h"}
    signals = [{"name": "answer", "data": 1, "by": "bob"}, {"node": "ask", "at": "5s"}]
    now = "2026-03-01T12:00:00+01:00"
    read_ = read(case(name="all", input=None, vars={"limit": 1}, now=now, mocks=mocks, signals=signals, expect=expect))
    assert read_.issues == ()
    (found,) = read_.cases
    first, second = found.mocks["fetch"]
    assert (first.failed.type, first.failed.retry_after, first.failed.retryable) == ("x", 2.0, False)
    assert (second.output, second.failed, second.after) == (None, None, 60.0)
    assert [(one.name, one.node, one.after, one.at) for one in found.signals] == [
        ("answer", None, 0.0, None),
        (None, "ask", 0.0, 5.0),
    ]
    assert found.expect.execution == {"status": "timed_out", "output": None}
    assert (found.expect.nodes, found.expect.path, found.expect.took) == ({"fetch[0]": {"error": None}}, (), 3600.0)
    assert found.now == 1_772_362_800_000


def test_an_expected_error_leaves_the_status_open():
    assert read(case(expect={"error": {"type": "x"}})).cases[0].expect.execution == {"error": {"type": "x"}}


def test_cases_stand_within_an_editors_workflow_too():
    document = read_document(WORKFLOW)
    wrapped = {"id": "w", "workflow": {**document, "tests": [{"trigger": "x"}]}}
    (issue,) = read_cases(wrapped, read_workflow(wrapped).definition, TYPES).issues
    assert issue.path == "workflow.tests[0].trigger"


def test_cases_are_no_part_of_the_definition():
    document = read_document(WORKFLOW)
    plain, tested = read_workflow(document), read_workflow({**document, "tests": [{"nonsense": 1}]})
    assert (tested.definition, tested.issues) == (plain.definition, ())
    assert "tests" not in to_document(tested.definition)
