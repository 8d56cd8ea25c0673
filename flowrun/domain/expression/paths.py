"""Follows keys and indexes into a value; what is not there is null, or an error in strict mode."""

from __future__ import annotations

from collections.abc import Iterable

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.values import JsonValue, kind_of


def follow(value: JsonValue, keys: Iterable[str]) -> JsonValue:
    """Return what is at the end of a path of keys; null as soon as one is missing."""
    for key in keys:
        value = value.get(key) if type(value) is dict else None
    return value


def step(value: JsonValue, key: JsonValue) -> JsonValue:
    """Return an element of a list, a character of text or the value of a key; null when it is missing.

    Raises ExpressionError when nothing could be looked up with such a key.
    """
    if isinstance(key, str):
        return value.get(key) if type(value) is dict else None
    if not isinstance(key, int):
        raise ExpressionError(f"{kind_of(key)} cannot be an index")
    if isinstance(value, (list, str)) and -len(value) <= key < len(value):
        return value[key]
    return None


def step_strictly(value: JsonValue, key: JsonValue, path: str) -> JsonValue:
    """Return what `step` does; raises ExpressionError, naming the path, when there is nothing."""
    if isinstance(value, dict) and isinstance(key, str):
        if key in value:
            return value[key]
        raise ExpressionError(f"{path} has no key {key!r}")
    if isinstance(value, (list, str)) and isinstance(key, int):
        if -len(value) <= key < len(value):
            return value[key]
        raise ExpressionError(f"{path} has no element {key}: it holds {len(value)}")
    raise ExpressionError(f"{path} is {kind_of(value)}, which has no {key!r:.60}")


def cut(frame: Frame, value: JsonValue, start: JsonValue, stop: JsonValue, step: JsonValue) -> JsonValue:
    """Return a slice of a list or text; null of null. Raises ExpressionError."""
    bounds = slice(_bound(start), _bound(stop), _bound(step))
    if bounds.step == 0:
        raise ExpressionError("the step of a slice cannot be 0")
    if isinstance(value, list):
        frame.charge_items(len(range(*bounds.indices(len(value)))))
        return value[bounds]
    if isinstance(value, str):
        size = len(range(*bounds.indices(len(value))))
        frame.charge((size >> (6 if value.isascii() else 4)) + (0 if bounds.step in {None, 1} else size >> 5) + 1)
        return value[bounds]
    if value is None:
        return None
    raise ExpressionError(f"{kind_of(value)} has no slices")


def _bound(value: JsonValue) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ExpressionError(f"a slice needs whole numbers, not {kind_of(value)}")
