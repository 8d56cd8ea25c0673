"""The nodes `split` and `aggregate`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed, Failed, NodeContext
from flowrun.errors import InvalidInputError
from flowrun.nodes.registry import builtin_types

REGISTRY = builtin_types()
LINES = [
    {"sku": "a", "price": 2, "of": {"kind": "toy"}},
    {"sku": "b", "price": 0.5, "of": {"kind": "book"}},
    {"sku": "c", "of": {"kind": "toy"}},
    {"sku": "d", "price": None},
]


def decided(name, value=None, **params):
    node_type = REGISTRY.get(name)
    return node_type.run_in_engine(NodeContext(node_type.check(params), value, ("a",), 1_000_000))


@pytest.mark.parametrize(
    ("value", "params", "result"),
    [
        ([1, 2, 3], {}, [1, 2, 3]),
        ([1, 2, 3], {"batch_size": 2}, [[1, 2], [3]]),
        ([], {"batch_size": 2}, []),
        (None, {}, []),
        ({"a": 1, "b": [2]}, {}, [{"key": "a", "value": 1}, {"key": "b", "value": [2]}]),
        ("a\nb\n", {}, ["a", "b", ""]),
        ("a, b", {"separator": ", ", "batch_size": 1}, [["a"], ["b"]]),
        ("", {}, []),
        ("input", {"items": [4]}, [4]),
        ([1], {"items": None}, []),
    ],
)
def test_split(value, params, result):
    assert decided("split", value, **params) == Completed(result)


@pytest.mark.parametrize("value", [1, True, 2.5])
def test_split_refuses_what_has_no_parts(value):
    outcome = decided("split", value)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.retryable) == ("invalid_input", False)
    assert repr(value) in outcome.message


@given(st.lists(st.integers(-9, 9), max_size=50), st.integers(1, 60))
def test_batches_hold_every_item_in_order(items, size):
    batches = decided("split", items, batch_size=size).output
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(batches)


@pytest.mark.parametrize(
    ("operation", "plain", "of_none"),
    [
        ("sum", 2.5, 0), ("count", 2, 0), ("min", 0.5, None), ("max", 2, None), ("average", 1.25, None),
        ("first", 2, None), ("last", None, None), ("list", [2, 0.5, None, None], []), ("join", "2, 0.5", ""),
    ],
)  # fmt: skip
def test_aggregate_a_field(operation, plain, of_none):
    assert decided("aggregate", LINES, operation=operation, field="price") == Completed(plain)
    assert decided("aggregate", LINES, operation=operation, items=[]) == Completed(of_none)


@pytest.mark.parametrize(
    ("operation", "items", "params", "result"),
    [
        ("sum", [1, 2, 3], {}, 6),
        ("sum", [0.1] * 10, {}, 1.0),
        ("count", [0, None, ""], {}, 2),
        ("min", ["b", "a", None], {}, "a"),
        ("max", ["b", "a"], {}, "b"),
        ("max", [1, 1.5], {}, 1.5),
        ("join", ["a", None, 1, True, 2.0], {"separator": "-"}, "a-1-true-2"),
        ("list", LINES, {"field": "of.kind"}, ["toy", "book", "toy", None]),
        ("first", [{"a": 1}], {}, {"a": 1}),
        ("list", [[1], 2], {"field": "x"}, [None, None]),
    ],
)
def test_aggregate(operation, items, params, result):
    outcome = decided("aggregate", items, operation=operation, **params)
    assert outcome == Completed(result)
    assert type(outcome.output) is type(result)


def test_groups():
    assert decided("aggregate", LINES, operation="sum", field="price", by="of.kind") == Completed(
        {"toy": 2, "book": 0.5, "null": 0}
    )
    grouped = decided("aggregate", LINES, operation="group", by="of.kind", field="sku")
    assert grouped == Completed({"toy": ["a", "c"], "book": ["b"], "null": ["d"]})
    assert list(grouped.output) == ["toy", "book", "null"]
    odd = [{"k": 1}, {"k": 1.0}, {"k": True}, {"k": "1"}, {"k": 1.5}, {}]
    assert decided("aggregate", odd, operation="count", by="k").output == {"1": 3, "true": 1, "1.5": 1, "null": 1}


@pytest.mark.parametrize(
    ("items", "params", "words"),
    [
        ("text", {"operation": "count"}, "no list"),
        (None, {"operation": "count"}, "no list"),
        ([1], {"operation": "sum", "items": None}, "no list"),
        ([1, "2"], {"operation": "sum"}, "item 1 is no number"),
        ([True], {"operation": "average"}, "item 0 is no number"),
        ([None, "a", 1], {"operation": "max"}, "item 2 is no text"),
        ([1, "a"], {"operation": "min"}, "item 1 is no number"),
        ([[]], {"operation": "join"}, "item 0 is a list"),
        ([{"k": []}], {"operation": "group", "by": "k"}, "item 0 has a list or an object"),
        ([1e308, 1e308], {"operation": "sum"}, "overflow"),
        ([10**400, 0.5], {"operation": "sum"}, "too large"),
        (["x" * 1_000_000] * 3, {"operation": "join"}, "more than 1,048,576 characters"),
    ],
)
def test_aggregate_refuses_what_does_not_fit(items, params, words):
    outcome = decided("aggregate", items, **params)
    assert isinstance(outcome, Failed)
    assert outcome.type == "invalid_input"
    assert words in outcome.message


@given(st.lists(st.none() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)))
def test_numbers_agree_with_python(items):
    numbers = [item for item in items if item is not None]
    results = {name: decided("aggregate", items, operation=name).output for name in ("sum", "count", "min", "max")}
    assert math.isclose(results["sum"], sum(numbers), abs_tol=1e-6)
    assert results["count"] == len(numbers)
    assert (results["min"], results["max"]) == ((min(numbers), max(numbers)) if numbers else (None, None))


def test_group_needs_by():
    aggregate = REGISTRY.get("aggregate")
    with pytest.raises(InvalidInputError, match="by"):
        aggregate.check({"operation": "group"})
    for params in ({"operation": "group"}, {"operation": "group", "by": None}):
        assert [issue.path for issue in aggregate.issues(NodeDefinition("n", "aggregate", params=params))] == ["by"]
