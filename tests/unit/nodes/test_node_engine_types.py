"""Engine nodes: a table of what goes in and what comes out."""

from __future__ import annotations

import pytest

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed, Failed, Waiting
from flowrun.errors import InvalidInputError
from flowrun.nodes.registry import builtin_types

REGISTRY = builtin_types()


def issues(name, **params):
    return [str(issue) for issue in REGISTRY.get(name).issues(NodeDefinition(id="n", type=name, params=params))]


def test_noop_and_fail(run):
    assert run("noop", {}, {"a": 1}) == Completed({"a": 1})
    assert run("fail", {"message": "no", "type": "mine"}) == Failed("mine", "no", retryable=False)
    assert run("fail", {}).type == "failed"
    assert run("fail", {"message": 404}).message == "404"
    assert issues("fail", message=[404]) == ["message: must be a text"]


def test_emit_takes_an_id_that_is_a_number_for_its_subject(run):
    assert run("emit", {"event_type": "order.paid", "subject": 7}).subject == "7"
    assert run("emit", {"event_type": "order.paid", "subject": "a-7"}).subject == "a-7"
    assert issues("emit", event_type="order.paid", subject=True) == ["subject: must be a text"]


@pytest.mark.parametrize("name", ["transform", "set"])
def test_transform(run, name):
    assert run(name, {"value": None}, 5) == Completed(None)
    assert run(name, {"value": [1, {"a": 2}]}, 5) == Completed([1, {"a": 2}])
    assert run(name, {"set": {"b": 2, "a": 3}}, {"a": 1, "c": 0}) == Completed({"a": 3, "c": 0, "b": 2})
    assert run(name, {"set": {"b": 2}}, None) == Completed({"b": 2})
    for value, kind in (([1], "a list"), ("x", "a text"), (1, "a number"), (True, "true or false")):
        outcome = run(name, {"set": {"b": 2}}, value)
        assert outcome.type == "invalid_input"
        assert kind in outcome.message
    given = {"a": 1}
    run(name, {"set": {"b": 2}}, given)
    assert given == {"a": 1}


def test_transform_takes_exactly_one_param():
    assert issues("transform") == ["value: is required: give `value` or `set`"]
    assert issues("transform", value="{{ x }}", set="{{ y }}") == ["set: give either `value` or `set`, not both"]
    with pytest.raises(InvalidInputError, match="not both"):
        REGISTRY.get("transform").check({"value": 1, "set": {}})
    with pytest.raises(InvalidInputError, match="set: must be an object"):
        REGISTRY.get("transform").check({"set": None})


@pytest.mark.parametrize(
    ("value", "truth"),
    [(True, 1), (1, 1), ("no", 1), ([0], 1), (False, 0), (0, 0), ("", 0), ([], 0), ({}, 0), (None, 0)],
)
def test_if_and_filter_go_by_truth(run, value, truth):
    assert run("if", {"condition": value}, "in") == Completed("in", ("true" if truth else "false", "main"))
    assert run("filter", {"condition": value}, "in") == Completed("in", ("main",) if truth else ())


def test_a_condition_must_be_there():
    assert issues("if") == ["condition: is required"]
    assert issues("if", condition="  ") == ["condition: must be an expression, not empty"]
    assert issues("if", condition="input.x > {{") == []
    assert issues("if", condition=True) == []


@pytest.mark.parametrize(
    ("value", "port"),
    [
        (1, "one"), (1.0, "one"), (True, "yes"), (False, "default"), ("1", "text"), (None, "none"), (0, "default"),
        ([1, {"a": 1.0}], "deep"), ([1, {"a": True}], "default"), ([1], "default"), ({"a": [True]}, "object"),
        ({"a": [1]}, "default"), ({"b": [True]}, "default"),
    ],
)  # fmt: skip
def test_switch_compares_as_json(run, value, port):
    cases = {"one": 1, "yes": True, "text": "1", "none": None, "deep": [1.0, {"a": 1}], "object": {"a": [True]}}
    assert run("switch", {"value": value, "cases": cases}, "in") == Completed("in", (port, "main"))


def test_switch_ports():
    switch = REGISTRY.get("switch")
    assert switch.ports({"value": "x", "cases": {"a": 1, "b": 2}}) == ("a", "b", "default", "main")
    assert "default" in issues("switch", value="x", cases={"default": 1})[0]
    assert "must not be 'error'" in issues("switch", value="x", cases={"error": 1})[0]


CONDITIONS = [
    {"id": "late", "expression": True, "priority": 9},
    {"id": "early", "expression": [1], "priority": 1},
    {"id": "never", "expression": 0},
    {"id": "also", "expression": "x", "priority": 1},
]


@pytest.mark.parametrize(
    ("mode", "ports"),
    [
        ("first-match", ("early", "main")),
        ("first_match", ("early", "main")),
        ("all-matching", ("early", "also", "late", "main")),
        ("all_matching", ("early", "also", "late", "main")),
    ],
)
def test_decision_goes_by_priority(run, mode, ports):
    assert run("decision", {"conditions": CONDITIONS, "evaluation_mode": mode}, 7) == Completed(7, ports)


def test_decision_falls_back(run):
    never = [{"id": "a", "expression": False}]
    assert run("decision", {"conditions": never}, 7) == Completed(7, ("default", "main"))
    assert run("decision", {"conditions": never, "defaultPath": "b"}, 7) == Completed(7, ("b", "main"))
    decision = REGISTRY.get("decision")
    assert decision.ports({"conditions": never, "defaultPath": "b"}) == ("a", "b", "main")
    assert decision.ports({"conditions": never, "default_path": "a"}) == ("a", "main")


def test_decision_issues_have_paths():
    found = issues(
        "decision",
        conditions=[{"id": "a b", "expresion": "x"}, {"id": "main", "expression": "", "priority": "high"}, {"id": "c"}],
        defaultPath="{{ x }}",
    )
    assert [line.partition(":")[0] for line in sorted(found)] == [
        "conditions[0].expresion",
        "conditions[0].expression",
        "conditions[0].id",
        "conditions[1].expression",
        "conditions[1].id",
        "conditions[1].priority",
        "conditions[2].expression",
        "defaultPath",
    ]
    twice = [{"id": "a", "expression": "x"}, {"id": "a", "expression": "y"}]
    assert issues("decision", conditions=twice) == ["conditions: has two conditions with the id 'a'"]


def test_merge_by_id(run):
    assert run("merge", {}, {"b": 1, "a": 2}, ("b", "a")) == Completed({"b": 1, "a": 2})
    assert run("merge", {}, [1], ("b",)) == Completed({"b": [1]})
    assert run("merge", {}, [1], ()) == Completed([1])


def test_merge_append(run):
    parts = {"a": [1, 2], "b": 3, "c": None, "d": {"x": [1]}}
    assert run("merge", {"mode": "append"}, parts, "abcd") == Completed([1, 2, 3, None, {"x": [1]}])
    assert run("merge", {"mode": "append"}, 5, "a") == Completed([5])


def test_merge_combine(run):
    parts = {"b": {"x": 1, "y": 1}, "a": {"y": 2}, "n": None}
    assert run("merge", {"mode": "combine"}, parts, "ban") == Completed({"x": 1, "y": 2})
    assert run("merge", {"mode": "combine"}, {"a": 1, "b": {}}, "ab").type == "invalid_input"


def test_merge_joins_on_a_key(run):
    left = [{"id": 1, "l": 1}, {"id": True, "l": 2}, {"id": "1", "l": 3}]
    right = [{"id": 1.0, "r": 4}, {"id": 9, "r": 5}]
    joined = run("merge", {"mode": "combine", "key": "id"}, {"a": left, "b": right}, "ab")
    assert joined == Completed(
        [{"id": 1.0, "l": 1, "r": 4}, {"id": True, "l": 2}, {"id": "1", "l": 3}, {"id": 9, "r": 5}]
    )
    assert left[0] == {"id": 1, "l": 1}
    for bad in ({"x": 1}, [1], [{"x": 1}], [{"id": [1]}], None):
        assert run("merge", {"mode": "combine", "key": "id"}, {"a": left, "b": bad}, "ab").type == "invalid_input"


def test_merge_key_needs_combine():
    assert issues("merge", key="id") == ["key: goes with `mode: combine` only"]
    assert issues("merge", key="{{ x }}") == []
    with pytest.raises(InvalidInputError, match="combine"):
        REGISTRY.get("merge").check({"key": "id", "mode": "append"})


@pytest.mark.parametrize(
    ("params", "until"),
    [
        ({"for": 2}, 1_002_000),
        ({"for": "1m30s"}, 1_090_000),
        ({"for": 0.25}, 1_000_250),
        ({"until": 1001}, 1_001_000),
        ({"until": "1970-01-01T00:17:00Z"}, 1_020_000),
        ({"until": "1970-01-01T02:17:00.5+02:00"}, 1_020_500),
    ],
)
def test_delay_waits(run, params, until):
    assert run("delay", params, "in", now=1_000_000) == Waiting(until, "in")


@pytest.mark.parametrize("params", [{"for": 0}, {"until": 1000}, {"until": 5}, {"until": "1970-01-01T00:00:00Z"}])
def test_delay_goes_on_at_once(run, params):
    assert run("delay", params, "in", now=1_000_000) == Completed("in")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "for: is required"),
        ({"for": 1, "until": 2}, "not both"),
        ({"for": "soon"}, "for: is not a duration"),
        ({"for": -1}, "for: must not be negative"),
        ({"for": None}, "for: is not a duration"),
        ({"for": True}, "for: is not a duration"),
        ({"until": "2030-01-01T00:00:00"}, "until: must have a time zone"),
        ({"until": 1_900_000_000_000}, "is it milliseconds?"),
        ({"until": "tomorrow"}, "until: must be a time"),
        ({"until": float("inf")}, "until: must be a time"),
        ({"until": True}, "until: must be a time"),
        ({"for_": 1, "fro": 1}, "fro: is not a param"),
    ],
)
def test_delay_refuses(params, said):
    with pytest.raises(InvalidInputError, match=said.replace("?", r"\?")):
        REGISTRY.get("delay").check(params)
    assert any(said in line for line in issues("delay", **params))


def test_a_delay_ends_before_the_year_10000_in_utc_too(run):
    with pytest.raises(InvalidInputError, match="before the year 10000"):
        run("delay", {"until": "9999-12-31T23:59:59-12:00"})
