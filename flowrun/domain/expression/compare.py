"""Equality, order and membership, which pay for every value they look at."""

from __future__ import annotations

from flowrun.domain.expression.budget import MAX_WALK_DEPTH, Frame
from flowrun.domain.expression.errors import ExpressionError, ExpressionLimitError
from flowrun.domain.expression.values import JsonValue, kind_of


def equal(frame: Frame, left: JsonValue, right: JsonValue, depth: int = 0) -> bool:
    """Return `left == right` as Python has it; raises ExpressionLimitError."""
    if left is right:
        return True
    if type(left) is list and type(right) is list:
        _descend(frame, depth, min(len(left), len(right)))
        return len(left) == len(right) and all(
            equal(frame, one, other, depth + 1) for one, other in zip(left, right, strict=True)
        )
    if type(left) is dict and type(right) is dict:
        _descend(frame, depth, min(len(left), len(right)))
        return len(left) == len(right) and all(
            key in right and equal(frame, value, right[key], depth + 1) for key, value in left.items()
        )
    if type(left) is str and type(right) is str and len(left) == len(right):
        frame.charge_text(left)
    return left == right


def unequal(frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    """Return `left != right`; raises ExpressionLimitError."""
    return not equal(frame, left, right)


def less(frame: Frame, left: JsonValue, right: JsonValue, depth: int = 0) -> bool:
    """Return `left < right` for two numbers, two texts or two lists.

    Raises ExpressionError for anything else and ExpressionLimitError.
    """
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    if type(left) is str and type(right) is str:
        frame.charge_text(left if len(left) < len(right) else right)
        return left < right
    if type(left) is list and type(right) is list:
        _descend(frame, depth, min(len(left), len(right)))
        for one, other in zip(left, right, strict=False):
            if not equal(frame, one, other, depth + 1):
                return less(frame, one, other, depth + 1)
        return len(left) < len(right)
    raise _no_order(left, right)


def greater(frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    """Return `left > right`; raises as `less` does."""
    return less(frame, right, left)


def less_or_equal(frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    """Return `left <= right`; raises as `less` does."""
    return not less(frame, right, left)


def greater_or_equal(frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    """Return `left >= right`; raises as `less` does."""
    return not less(frame, left, right)


def contains(frame: Frame, part: JsonValue, whole: JsonValue) -> bool:
    """Return `part in whole`: a part of a text, an element of a list or a key of an object.

    Raises ExpressionError when there can be none, and ExpressionLimitError.
    """
    if type(whole) is dict:
        if type(part) in {list, dict}:
            raise ExpressionError(f"{kind_of(part)} cannot be the key of an object")
        return part in whole
    if type(whole) is list:
        frame.charge((len(whole) >> 2) + 1)
        if type(part) in {list, dict, str}:
            return any(_same(frame, part, element) for element in whole)
        return part in whole
    if type(whole) is str and type(part) is str:
        frame.charge_search(whole, part)
        return part in whole
    if type(whole) is str:
        raise ExpressionError(f"text holds text, not {kind_of(part)}")
    raise ExpressionError(f"{kind_of(whole)} holds nothing: 'in' needs text, a list or an object on its right")


def lacks(frame: Frame, part: JsonValue, whole: JsonValue) -> bool:
    """Return `part not in whole`; raises as `contains` does."""
    return not contains(frame, part, whole)


def _same(frame: Frame, part: JsonValue, element: JsonValue) -> bool:
    frame.charge(1)
    return equal(frame, part, element)


def _descend(frame: Frame, depth: int, count: int) -> None:
    frame.charge(2 * count + 1)
    if depth >= MAX_WALK_DEPTH:
        raise ExpressionLimitError("a value is nested too deeply to be compared")


def _no_order(left: JsonValue, right: JsonValue) -> ExpressionError:
    message = f"cannot order {kind_of(left)} and {kind_of(right)}"
    if left is None or right is None:
        message += ": a value is missing; default(value, 0) gives one"
    return ExpressionError(message)
