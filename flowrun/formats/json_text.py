"""JSON text in: strict, bounded, duplicate keys refused."""

from __future__ import annotations

import json

import orjson

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import MalformedError
from flowrun.formats import limits


def read_json(source: str) -> JsonValue:
    """The value of a JSON text. Raises `MalformedError` (with line and column) or `TooLargeError`."""
    try:
        value: JsonValue = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        limits.check_depth(_depth(source))
        raise MalformedError(
            f"The document is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    _measure(value)
    # A second reading, now that the syntax and the depth are known to be sound: orjson keeps the last of two
    # equal keys and turns long integers into floats without a word.
    checked: JsonValue = json.loads(
        source, object_pairs_hook=_object, parse_int=limits.integer, parse_float=limits.number
    )
    return checked


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedError(f"The key {key[:64]!r} occurs twice in one object.")
            seen.add(key)
    return result


def _measure(value: JsonValue) -> None:
    """Count values level by level, so that depth is never a matter of the stack."""
    level: list[JsonValue] = [value]
    depth = values = 0
    while level:
        values += len(level)
        limits.check_count(values)
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                for key in item:
                    limits.text(key)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                limits.text(item)
        if any(isinstance(item, (dict, list)) for item in level):
            depth += 1
            limits.check_depth(depth)
        level = below


def _depth(source: str) -> int:
    """How deep brackets nest in a text that did not parse, at most; strings are not told apart."""
    deepest = depth = 0
    for character in source:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    # Below orjson's own limit the syntax is what is wrong.
    return deepest if deepest >= 1024 else 0
