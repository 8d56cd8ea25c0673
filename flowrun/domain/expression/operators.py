"""Arithmetic: whole numbers stay within 64 bits, numbers stay finite, text and lists are paid for first."""

from __future__ import annotations

import math
from typing import TypeAlias

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.values import INT_MAX, INT_MIN, JsonValue, kind_of

Number: TypeAlias = int | float


def number(value: Number) -> Number:
    """Return a result of arithmetic; raises ExpressionError when it is over 64 bits or not finite."""
    if isinstance(value, int):
        if INT_MIN <= value <= INT_MAX:
            return value
        raise ExpressionError("integer overflow: the result does not fit into 64 bits")
    if math.isfinite(value):
        return value
    raise ExpressionError("the result is too large for a number")


def add(frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left + right`: numbers, texts or lists. Raises ExpressionError."""
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return number(left + right)
    if isinstance(left, str) and isinstance(right, str):
        _charge_joined(frame, left, right)
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        frame.charge_items(len(left) + len(right))
        return left + right
    raise _unsupported("add", left, right)


def subtract(_frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left - right`. Raises ExpressionError."""
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return number(left - right)
    raise _unsupported("subtract", left, right)


def multiply(frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left * right`: numbers, or a text or list so many times. Raises ExpressionError."""
    if isinstance(left, (int, float)):
        if isinstance(right, (int, float)):
            return number(left * right)
        left, right = right, left
    if isinstance(right, int):
        if isinstance(left, str):
            frame.charge_text(left, max(0, right))
            return left * right
        if isinstance(left, list):
            frame.charge_items(len(left) * max(0, right))
            return left * right
    raise _unsupported("multiply", left, right)


def divide(_frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left / right`. Raises ExpressionError."""
    dividend, divisor = _divisible("divide", left, right)
    return number(dividend / divisor)


def floor_divide(_frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left // right`. Raises ExpressionError."""
    dividend, divisor = _divisible("divide", left, right)
    return number(dividend // divisor)


def modulo(_frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left % right` of two numbers. Raises ExpressionError."""
    dividend, divisor = _divisible("take the remainder of", left, right)
    return number(dividend % divisor)


def power(_frame: Frame, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return `left ** right`, whose size is known before it is computed. Raises ExpressionError."""
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise _unsupported("raise to a power", left, right)
    if left == 0 and right < 0:
        raise ExpressionError("0 cannot be raised to a negative power")
    if isinstance(left, int) and isinstance(right, int) and right > 64 and abs(left) > 1:
        raise ExpressionError("integer overflow: the result does not fit into 64 bits")
    if left < 0 and isinstance(right, float) and not right.is_integer():
        raise ExpressionError("a negative number has no such power")
    try:
        result: Number = left**right
    except OverflowError:
        raise ExpressionError("the result is too large for a number") from None
    return number(result)


def negate(_frame: Frame, value: JsonValue) -> JsonValue:
    """Return `-value`. Raises ExpressionError."""
    if isinstance(value, (int, float)):
        return number(-value)
    raise ExpressionError(f"cannot negate {kind_of(value)}")


def affirm(_frame: Frame, value: JsonValue) -> JsonValue:
    """Return `+value`. Raises ExpressionError."""
    if isinstance(value, (int, float)):
        return +value
    raise ExpressionError(f"{kind_of(value)} is not a number")


def _charge_joined(frame: Frame, left: str, right: str) -> None:
    shift = 6 if left.isascii() and right.isascii() else 4
    frame.charge((len(left) + len(right) >> shift) + 1)


def _divisible(verb: str, left: JsonValue, right: JsonValue) -> tuple[Number, Number]:
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise _unsupported(verb, left, right)
    if right == 0:
        raise ExpressionError("division by zero")
    return left, right


def _unsupported(verb: str, left: JsonValue, right: JsonValue) -> ExpressionError:
    message = f"cannot {verb} {kind_of(left)} and {kind_of(right)}"
    if left is None or right is None:
        message += ": a value is missing; default(value, 0) gives one"
    elif isinstance(left, str) or isinstance(right, str):
        message += "; text(value) makes text of it, int(value) or float(value) a number"
    return ExpressionError(message)
