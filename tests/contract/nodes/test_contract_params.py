"""What is wrong with the params of a node of any type is told in a workflow: everything at once, with paths."""

from __future__ import annotations

import copy

import pytest
from jsonschema import Draft202012Validator

from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.domain.node_type import NodeKind
from flowrun.domain.validate import validate
from flowrun.nodes.registry import builtin_types

TYPES = builtin_types()


@pytest.fixture(params=list(TYPES), ids=lambda node_type: node_type.name)
def node_type(request):
    return request.param


def issues(node_type, params):
    """What validation says of the params of a node in a workflow, by path."""
    node = NodeDefinition("n", node_type.name, params=params)
    if node_type.kind is NodeKind.TRIGGER:
        nodes, edges = (node, NodeDefinition("z", "noop")), (EdgeDefinition("e", "n", "z"),)
    else:
        nodes, edges = (NodeDefinition("t", "manual"), node), (EdgeDefinition("e", "t", "n"),)
    prefix = f"nodes[{nodes.index(node)}].params"
    found = validate(WorkflowDefinition("w", "w", nodes, edges), TYPES)
    return {one.path.removeprefix(prefix).removeprefix("."): one for one in found if one.path.startswith(prefix)}


def example(node_type):
    return copy.deepcopy(dict(node_type.example))


def test_the_schema_is_a_json_schema_and_the_example_fits_it(node_type):
    schema = node_type.schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example(node_type))


def test_each_missing_param_is_told_alone_and_all_of_them_at_once(node_type):
    model = node_type.Params
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    for name in required:
        one_less = {key: value for key, value in example(node_type).items() if key != name}
        assert "required" in issues(node_type, one_less)[name].message
    assert set(required) <= issues(node_type, {}).keys()
    if model.exactly_one:
        assert "required" in issues(node_type, {})[model.exactly_one[0]].message


def test_unknown_params_and_wrong_kinds_are_told_at_once(node_type):
    params, wrong = example(node_type), set()
    for name, prop in node_type.schema().get("properties", {}).items():
        if name in params and prop.get("type") in {"string", "integer", "number", "boolean", "array", "object"}:
            params[name] = {"wrong": 1} if prop["type"] != "object" else [["wrong"]]
            wrong.add(name)
    misspelt = {f"{name}x" for name in node_type.Params.names().values()} or {"anything"}
    found = issues(node_type, params | dict.fromkeys(misspelt, 1))
    told = {path.partition(".")[0].partition("[")[0] for path in found}
    assert wrong | misspelt <= told
    for name in misspelt - {"anything"}:
        assert found[name].suggestion in node_type.Params.names().values()
