"""What a value is: plain JSON, and how a message names it."""

from __future__ import annotations

from flowrun.domain.json import JsonValue

__all__ = ["INT_MAX", "INT_MIN", "JsonValue", "kind_of"]

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def kind_of(value: object) -> str:
    """Return how a message calls this value, such as "a list"."""
    return _KINDS.get(type(value), "something else")
