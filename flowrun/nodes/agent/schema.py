"""JSON Schema, as far as tools and structured output need it, with a budget: neither schema nor value is ours.

A library would know more keywords; the one that was tried takes all memory over a small schema whose `$ref`s fan out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from flowrun.domain.json import JsonValue
from flowrun.nodes.agent.schema_form import SchemaError, check_form, compiled
from flowrun.nodes.equality import json_equal
from flowrun.nodes.params import PathKey, format_path

_MOST_TOLD = 5
_LONGEST = 300
_MOST_STEPS = 100_000
_DEEPEST = 150


def schema_problem(schema: object) -> str | None:
    """Return what makes this no schema to check values against."""
    try:
        check_form(schema)
    except SchemaError as error:
        return str(error)
    return None


def value_problems(schema: Mapping[str, Any], value: JsonValue) -> list[str]:
    """Return the first things that are wrong with a value; the schema has been checked."""
    check = _Check(schema)
    try:
        problems = check.problems(schema, value, ())
        return [problem for problem, _ in zip(problems, range(_MOST_TOLD), strict=False)]
    except SchemaError as error:
        return [str(error)]


@dataclass(slots=True)
class _Check:
    """One check of a value: what it has cost so far."""

    root: Mapping[str, Any]
    steps: int = 0
    depth: int = 0
    _known: dict[str, Any] = field(default_factory=dict)

    def problems(self, schema: Any, value: JsonValue, path: tuple[PathKey, ...]) -> Iterator[str]:  # noqa: ANN401
        """Tell what is wrong with a value. Raises `SchemaError` when that takes too long to find out."""
        self._charge(1 + self.depth // 4)  # What is deep comes up through as many generators.
        if isinstance(schema, bool):
            if not schema:
                yield _at(path, "must not be there")
            return
        if self.depth > _DEEPEST:
            raise SchemaError("the schema refers to itself too deeply to be checked")
        self.depth += 1
        try:
            yield from self._of_any(schema, value, path)
            if isinstance(value, dict):
                yield from self._of_object(schema, value, path)
            elif isinstance(value, list):
                yield from self._of_list(schema, value, path)
            elif isinstance(value, str):
                yield from self._of_text(schema, value, path)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield from (_at(path, said) for said in _of_number(schema, value))
        finally:
            self.depth -= 1

    def _of_any(self, schema: Mapping[str, Any], value: JsonValue, path: tuple[PathKey, ...]) -> Iterator[str]:
        if "$ref" in schema:
            yield from self.problems(self._target(schema["$ref"]), value, path)
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if not any(_is(name, value) for name in names):
                yield _at(path, f"must be of type {' or '.join(names)}")
        if "const" in schema and not self._equal(schema["const"], value):
            yield _at(path, f"must be {_json(schema['const'])}")
        if "enum" in schema and not any(self._equal(one, value) for one in schema["enum"]):
            yield _at(path, f"must be one of {_json(schema['enum'])}")
        for one in schema.get("allOf", ()):
            yield from self.problems(one, value, path)
        if "anyOf" in schema and not any(self._fits(one, value) for one in schema["anyOf"]):
            yield _at(path, "fits none of the schemas of anyOf")
        if "oneOf" in schema and sum(self._fits(one, value) for one in schema["oneOf"]) != 1:
            yield _at(path, "must fit exactly one of the schemas of oneOf")
        if "not" in schema and self._fits(schema["not"], value):
            yield _at(path, "fits the schema that it must not fit")

    def _of_object(
        self, schema: Mapping[str, Any], value: dict[str, JsonValue], path: tuple[PathKey, ...]
    ) -> Iterator[str]:
        known = schema.get("properties", {})
        yield from (_at((*path, name), "is required") for name in schema.get("required", ()) if name not in value)
        yield from (_at(path, said) for said in _counted(schema, len(value), "Properties", "properties"))
        others = schema.get("additionalProperties", True)
        for name, part in value.items():
            if name in known:
                yield from self.problems(known[name], part, (*path, name))
            elif others is False:
                yield _at((*path, name), "is not known to the schema")
            else:
                yield from self.problems(others, part, (*path, name))

    def _of_list(self, schema: Mapping[str, Any], value: list[JsonValue], path: tuple[PathKey, ...]) -> Iterator[str]:
        yield from (_at(path, said) for said in _counted(schema, len(value), "Items", "entries"))
        if schema.get("uniqueItems"):
            for number, one in enumerate(value):
                if any(self._equal(one, other) for other in value[:number]):
                    yield _at((*path, number), "is there twice")
        first = schema.get("prefixItems", ())
        others = schema.get("items", True)
        for number, part in enumerate(value):
            yield from self.problems(first[number] if number < len(first) else others, part, (*path, number))

    def _of_text(self, schema: Mapping[str, Any], value: str, path: tuple[PathKey, ...]) -> Iterator[str]:
        yield from (_at(path, said) for said in _counted(schema, len(value), "Length", "characters"))
        if "pattern" in schema:
            self._charge(len(value) // 16)
            if compiled(schema["pattern"]).search(value) is None:
                yield _at(path, f"must match {_json(schema['pattern'])}")

    def _fits(self, schema: Any, value: JsonValue) -> bool:  # noqa: ANN401
        return next(self.problems(schema, value, ()), None) is None

    def _equal(self, one: JsonValue, other: JsonValue) -> bool:
        self._charge(
            1 + (len(one) // (256 if isinstance(one, str) else 1) if isinstance(one, str | list | dict) else 0)
        )
        return json_equal(one, other)

    def _target(self, reference: str) -> Any:  # noqa: ANN401
        if reference not in self._known:
            found: Any = self.root
            for step in reference.split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~")
                found = found[int(key)] if isinstance(found, list) else found[key]
            self._known[reference] = found
        return self._known[reference]

    def _charge(self, steps: int) -> None:
        self.steps += steps
        if self.steps > _MOST_STEPS:
            raise SchemaError("it takes too long to check")


def _of_number(schema: Mapping[str, Any], value: float) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"must be at least {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"must be at most {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"must be greater than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"must be less than {schema['exclusiveMaximum']}"
    if "multipleOf" in schema and not _is_multiple(value, schema["multipleOf"]):
        yield f"must be a multiple of {schema['multipleOf']}"


def _is_multiple(value: float, of: float) -> bool:
    try:
        # As decimals, for 0.3 is a multiple of 0.1 to everyone but floating point.
        return Decimal(str(value)) % Decimal(str(of)) == 0
    except InvalidOperation:
        return math.fmod(value, of) == 0


def _counted(schema: Mapping[str, Any], count: int, suffix: str, things: str) -> Iterator[str]:
    least, most = schema.get(f"min{suffix}", 0), schema.get(f"max{suffix}", math.inf)
    if count < least:
        yield f"must have {least} {things} or more"
    if count > most:
        yield f"must have {most} {things} or fewer"


def _is(name: str, value: JsonValue) -> bool:
    if isinstance(value, bool) or value is None:
        return name == ("null" if value is None else "boolean")
    if isinstance(value, int | float):
        return name == "number" or (name == "integer" and float(value).is_integer())
    return name == ("string" if isinstance(value, str) else "array" if isinstance(value, list) else "object")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()[:_LONGEST]


def _at(path: tuple[PathKey, ...], said: str) -> str:
    place = format_path(path)[:_LONGEST]
    return f"{place}: {said}" if place else said
