"""Whether something is a JSON Schema that we can check values against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

LARGEST = 65_536
"""Bytes of a schema."""
TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_NOT_CHECKED = frozenset(
    {
        "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "additionalItems", "contains",
        "dependencies", "dependentRequired", "dependentSchemas", "else", "if", "maxContains", "minContains",
        "patternProperties", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_DEEPEST = 32
_PATTERN_MEMORY = 1 << 20


class SchemaError(Exception):
    """It is no schema, or says what we can't check."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Return a pattern for a search in linear time. Raises `SchemaError`."""
    import re2  # noqa: PLC0415 - most schemas have no patterns

    options = re2.Options()
    options.log_errors, options.max_mem = False, _PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise SchemaError(f"has a pattern that cannot be used: {_words(error)}") from None


def check_form(schema: object) -> None:
    """Check a schema and everything in it. Raises `SchemaError` with the first thing that is wrong."""
    try:
        size = len(orjson.dumps(schema))
    except (orjson.JSONEncodeError, RecursionError):
        raise SchemaError("is no JSON, or nested too deep") from None
    if size > LARGEST:
        raise SchemaError(f"has {size:,} bytes; the most is {LARGEST:,}")
    places: set[str] = set()
    references: set[str] = set()
    _check(schema, "#", places, references)
    for reference in references - places:
        raise SchemaError(f"refers to {reference!r}, which is no schema in it: it must begin with '#/'")


def _check(schema: object, place: str, places: set[str], references: set[str]) -> None:
    places.add(place)
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise SchemaError(f"must have an object or true/false at {place}")
    if place.count("/") > _DEEPEST * 2:
        raise SchemaError("is nested too deep")
    for keyword, value in schema.items():
        here = f"{place}/{_escaped(keyword)}"
        if keyword in _NOT_CHECKED:
            raise SchemaError(f"has {keyword} at {place}, which is not supported")
        if keyword == "$ref":
            references.add(str(value))
        elif keyword in _FORMS and not _FORMS[keyword](value):
            raise SchemaError(f"has a wrong value at {here}")
        for part, one in _schemas_in(keyword, value, here):
            _check(one, part, places, references)


def _schemas_in(keyword: str, value: object, place: str) -> list[tuple[str, object]]:
    """Return the schemas that a keyword holds, with their places. Raises `SchemaError`."""
    if keyword in _SCHEMAS:
        return [(place, value)]
    if keyword in _LISTS:
        if not isinstance(value, list) or not value:
            raise SchemaError(f"must have a list of schemas at {place}")
        return [(f"{place}/{number}", one) for number, one in enumerate(value)]
    if keyword in _MAPS:
        if not isinstance(value, dict):
            raise SchemaError(f"must have an object of schemas at {place}")
        return [(f"{place}/{_escaped(name)}", one) for name, one in value.items()]
    return []


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pattern(value: object) -> bool:
    return isinstance(value, str) and compiled(value) is not None


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _words(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


_SCHEMAS = frozenset({"additionalProperties", "items", "not"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"$defs", "definitions", "properties"})
_FORMS: Mapping[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "required": _are_names,
    "pattern": _is_pattern,
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count),
}
