"""Functions that ask what a value is, turn it into another kind, or stand in for a missing one."""

from __future__ import annotations

import math

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.operators import number
from flowrun.domain.expression.sizes import to_text
from flowrun.domain.expression.table import Group, iterate
from flowrun.domain.expression.values import JsonValue, kind_of

GROUP = Group("Values")

MAX_DIGITS = 400
"""Characters of a text that is read as a number; no number needs more."""

_TYPES = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"
}  # fmt: skip


@GROUP.function("type_of", 'type_of([]) → "list"')
def type_of(_frame: Frame, value: JsonValue) -> str:
    """The kind of a value: null, boolean, number, string, list, object."""
    return _TYPES[type(value)]


@GROUP.function("is_null", "is_null(input.nothing) → true", lenient=True)
def is_null(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is null or missing."""
    return value is None


@GROUP.function("is_string", 'is_string("a") → true')
def is_string(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is text."""
    return type(value) is str


@GROUP.function("is_number", "is_number(1.5) → true")
def is_number(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is a number; true and false are none."""
    return type(value) in {int, float}


@GROUP.function("is_bool", "is_bool(1 > 2) → true")
def is_bool(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is true or false."""
    return type(value) is bool


@GROUP.function("is_list", "is_list([]) → true")
def is_list(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is a list."""
    return type(value) is list


@GROUP.function("is_dict", "is_dict({}) → true")
def is_dict(_frame: Frame, value: JsonValue) -> bool:
    """Whether a value is an object."""
    return type(value) is dict


@GROUP.function("bool", "bool([]) → false")
def to_bool(_frame: Frame, value: JsonValue = False) -> bool:
    """Whether a value counts as true: not null, false, 0 or empty."""
    return bool(value)


@GROUP.function("int", 'int("12") + int(1.9) → 13')
def to_int(_frame: Frame, value: str | float = 0) -> JsonValue:
    """A whole number, from a number (cut off) or text."""
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        raise ExpressionError("this text is too long for a number")
    try:
        return number(int(value))
    except ValueError:
        raise ExpressionError(f"{_shown(value)} is not a whole number") from None


@GROUP.function("float", 'float("1.5") → 1.5')
def to_float(_frame: Frame, value: str | float = 0.0) -> JsonValue:
    """A number with a fraction, from a number or text."""
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        raise ExpressionError("this text is too long for a number")
    try:
        result = float(value)
    except ValueError:
        raise ExpressionError(f"{_shown(value)} is not a number") from None
    if not math.isfinite(result):
        raise ExpressionError(f"{_shown(value)} is not a finite number")
    return result


@GROUP.function("str", 'str(12) → "12"')
def to_str(frame: Frame, value: JsonValue = "") -> str:
    """A number as text; text stays as it is. For other values use text() or json()."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ExpressionError(f"str() takes text or a number, not {kind_of(value)}; use text() or json()")
    return to_text(frame, value)


@GROUP.function("text", 'text([1, true]) → "[1,true]"')
def text(frame: Frame, value: JsonValue) -> str:
    """Any value as a template writes it: null is empty, lists are JSON."""
    return to_text(frame, value)


@GROUP.function("list", 'list("ab") → ["a", "b"]')
def to_list(frame: Frame, value: JsonValue = None) -> JsonValue:
    """The elements of a list, the keys of an object or the characters of text."""
    if value is None:
        return []
    items = iterate(frame, value)
    frame.charge_items(len(items))
    return list(items)


@GROUP.function("default", "default(input.nothing, 0) → 0", lenient=True)
def default(_frame: Frame, value: JsonValue, fallback: JsonValue) -> JsonValue:
    """The value, or the fallback when it is null or missing."""
    return fallback if value is None else value


@GROUP.function("coalesce", "coalesce(null, input.nothing, 3) → 3", lenient=True)
def coalesce(_frame: Frame, *values: JsonValue) -> JsonValue:
    """The first value that is not null; null when all are."""
    return next((value for value in values if value is not None), None)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
