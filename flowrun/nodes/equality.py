"""When two JSON values are the same."""

from __future__ import annotations

from flowrun.domain.json import JsonValue


def json_equal(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are the same JSON: `1` is `1.0`, but neither is `true`, which Python thinks."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(json_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(json_equal(value, other[key]) for key, value in one.items())
    return one == other
