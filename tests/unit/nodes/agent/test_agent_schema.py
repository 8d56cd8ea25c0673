"""JSON Schema: what is checked, what is refused, and that hostile schemas cost little."""

from __future__ import annotations

import time

import pytest

from flowrun.nodes.agent.schema import schema_problem, value_problems

TREE = {"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#"}}}, "required": ["parts"]}
ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Order",
    "$defs": {"price": {"type": "number", "minimum": 0, "multipleOf": 0.01}},
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 5},
        "price": {"$ref": "#/$defs/price"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "minItems": 1},
        "note": {"type": ["string", "null"], "format": "anything"},
        "way": {"oneOf": [{"const": 1}, {"type": "string"}]},
    },
    "required": ["id"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"id": "7", "price": 0.29, "tags": ["a", "b"], "note": None, "way": 1.0}, []),
        ([], ["must be of type object"]),
        ({}, ["id: is required"]),
        ({"id": "x", "extra": 1}, ['id: must match "^[0-9]+$"', "extra: is not known to the schema"]),
        ({"id": "123456"}, ["id: must have 5 characters or fewer"]),
        ({"id": "7", "price": -1}, ["price: must be at least 0"]),
        ({"id": "7", "price": 0.295}, ["price: must be a multiple of 0.01"]),
        ({"id": "7", "price": True}, ["price: must be of type number"]),
        ({"id": "7", "tags": []}, ["tags: must have 1 entries or more"]),
        ({"id": "7", "tags": ["a", "c"]}, ['tags[1]: must be one of ["a","b"]']),
        ({"id": "7", "tags": ["a", "a"]}, ["tags[1]: is there twice"]),
        ({"id": "7", "way": True}, ["way: must fit exactly one of the schemas of oneOf"]),
    ],
)
def test_values_are_checked(value, problems):
    assert schema_problem(ORDER) is None
    assert value_problems(ORDER, value) == problems


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        (TREE, {"parts": [{"parts": []}]}, True),
        (TREE, {"parts": [{"parts": [{}]}]}, False),
        ({"type": "integer"}, 2.0, True),
        ({"type": "integer"}, True, False),
        ({"const": 1}, True, False),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5, True),
        ({"exclusiveMinimum": 1}, 1, False),
        ({"anyOf": [{"type": "null"}, {"minLength": 2}]}, "a", False),
        ({"allOf": [{"type": "string"}, {"not": {"const": "a"}}]}, "a", False),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], False),
        ({"additionalProperties": {"type": "integer"}, "maxProperties": 1}, {"a": 1}, True),
    ],
)
def test_keywords(schema, value, fits):
    assert schema_problem(schema) is None
    assert (value_problems(schema, value) == []) is fits


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ([], "an object or true/false at #"),
        ({"type": "objekt"}, "a wrong value at #/type"),
        ({"properties": {"a/b": {"minimum": "1"}}}, "a wrong value at #/properties/a~1b/minimum"),
        ({"anyOf": []}, "a list of schemas at #/anyOf"),
        ({"properties": []}, "an object of schemas"),
        ({"pattern": "(?=a)b"}, "pattern that cannot be used"),
        ({"if": {}, "then": {}}, "has if at #, which is not supported"),
        ({"$ref": "http://169.254.169.254/"}, "no schema in it"),
        ({"$ref": "#/enum/0", "enum": [{"type": 1}]}, "no schema in it"),
        ({"description": "x" * 70_000}, "the most is 65,536"),
    ],
)
def test_what_is_no_schema_is_told(schema, told):
    assert told in schema_problem(schema)


FAN = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)} | {"d30": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"$defs": FAN, "$ref": "#/$defs/d0"}, "x"),
        ({"uniqueItems": True}, list(range(50_000))),
        ({"pattern": "^(a+)+$"}, "a" * 100_000 + "b"),
        ({"multipleOf": 1e-300}, 1e308),
    ],
)
def test_hostile_schemas_cost_little(schema, value):
    begun = time.perf_counter()
    assert schema_problem(schema) is None
    assert value_problems(schema, value)
    assert time.perf_counter() - begun < 1
