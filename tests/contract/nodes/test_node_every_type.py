"""What every registered node type says of itself and of its params; the `test_contract_*` beside it run them."""

from __future__ import annotations

import copy
import json

import pytest
from pydantic.alias_generators import to_camel

from flowrun.domain.definition import MAIN_PORT, NodeDefinition
from flowrun.domain.node_type import NodeKind, NodeTypes
from flowrun.errors import InvalidInputError
from flowrun.nodes.base import EngineNodeType, LoopNodeType, TriggerNodeType, WorkerNodeType
from flowrun.nodes.registry import builtin_types

TYPES = list(builtin_types())


def node(node_type, params):
    return NodeDefinition(id="n", type=node_type.name, params=params)


def example(node_type):
    return copy.deepcopy(dict(node_type.example))


def wrong(value):
    """A value that no field of the same kind takes."""
    return [[["wrong"]]] if not isinstance(value, list) else {"wrong": object.__name__}


@pytest.fixture(params=TYPES, ids=lambda node_type: node_type.name)
def node_type(request):
    return request.param


def test_the_registry_is_what_the_engine_asks_for():
    registry: NodeTypes = builtin_types()
    assert registry.names() == sorted(registry.names())
    assert set(registry.names()) >= {
        "webhook", "manual", "transform", "set", "decision", "if", "switch", "filter", "merge", "delay", "noop",
        "fail", "http", "respond",
    }  # fmt: skip
    assert registry.get("nothing") is None


def test_it_says_what_it_is(node_type):
    assert node_type.name
    assert node_type.summary.endswith(".")
    assert "\n" not in node_type.summary
    assert node_type.default_timeout > 0
    assert node_type.default_retry.max_attempts >= 1
    kinds = {
        NodeKind.TRIGGER: TriggerNodeType,
        NodeKind.ENGINE: EngineNodeType,
        NodeKind.WORKER: WorkerNodeType,
        NodeKind.LOOP: LoopNodeType,
    }
    assert isinstance(node_type, kinds[node_type.kind])
    assert bool(node_type.worker) is (node_type.kind is NodeKind.WORKER)


def test_the_schema_describes_every_param(node_type):
    schema = node_type.schema()
    json.dumps(schema)
    for name, prop in schema.get("properties", {}).items():
        assert prop.get("description"), name


def test_the_example_is_valid_and_json(node_type):
    params = example(node_type)
    json.dumps(params)
    assert list(node_type.issues(node(node_type, params))) == []


def test_the_ports_hold_main_and_survive_any_params(node_type):
    assert MAIN_PORT in node_type.ports(example(node_type))
    for odd in ({}, {"conditions": "x", "cases": "y", "default_path": 3}, {"conditions": [None, {"id": 1}]}):
        assert MAIN_PORT in node_type.ports(odd)


def test_all_bad_params_are_told_at_once_with_their_paths(node_type):
    strict = {
        name
        for name, prop in node_type.schema().get("properties", {}).items()
        if {"type", "anyOf", "oneOf", "const", "enum", "$ref"} & prop.keys() and prop.get("format") != "expression"
    }
    params = {name: wrong(value) for name, value in example(node_type).items() if name in strict}
    issues = node_type.issues(node(node_type, params))
    for name in params:
        assert any(issue.path == name or issue.path.startswith((f"{name}[", f"{name}.")) for issue in issues), name
    for issue in issues:
        assert "pydantic" not in issue.message
        assert "Value error" not in issue.message


def test_camel_case_is_snake_case(node_type):
    params = {to_camel(name): value for name, value in example(node_type).items()}
    assert list(node_type.issues(node(node_type, params))) == []
    if node_type.kind is NodeKind.TRIGGER:
        assert node_type.check(params) == node_type.check(example(node_type))


def test_checking_again_changes_nothing(node_type):
    try:
        checked = node_type.check(example(node_type))
    except InvalidInputError:
        return  # a part of the example has yet to be computed
    json.dumps(checked)
    assert (
        node_type.check(copy.deepcopy(checked) if not node_type.Params.exactly_one else example(node_type)) == checked
    )


def test_a_computed_param_is_judged_later(node_type):
    if node_type.kind is NodeKind.TRIGGER or not node_type.example:
        return
    computed = {name: "{{ input.x }}" for name in example(node_type) if name not in node_type.literal_params}
    computed.pop("conditions", None)
    params = example(node_type) | computed
    assert list(node_type.issues(node(node_type, params))) == []


def test_what_does_not_fit_at_run_time_is_refused_with_issues(node_type):
    with pytest.raises(InvalidInputError, match="nonsense") as raised:
        node_type.check(example(node_type) | {"nonsense": 1})
    assert any(issue.path == "nonsense" for issue in raised.value.issues)


def test_only_engine_types_run_in_the_engine(node_type):
    if node_type.kind is not NodeKind.ENGINE:
        with pytest.raises(NotImplementedError, match=node_type.name):
            node_type.run_in_engine(None)
