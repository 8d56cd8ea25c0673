"""Functions on numbers."""

from __future__ import annotations

import math

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.operators import number
from flowrun.domain.expression.table import Group
from flowrun.domain.expression.values import JsonValue

GROUP = Group("Numbers")


@GROUP.function("abs", "abs(-2) → 2")
def absolute(_frame: Frame, value: float) -> JsonValue:
    """The number without its sign."""
    return number(abs(value))


@GROUP.function("round", "round(2.345, 1) → 2.3")
def rounded(_frame: Frame, value: float, digits: int | None = None) -> JsonValue:
    """The nearest number with so many digits after the point; a tie goes to the even one."""
    if digits is None:
        return number(round(value))
    # Beyond these bounds the result is the number or 0, and computing it would be costly.
    digits = max(-400, min(400, digits))
    try:
        return number(round(value, digits))
    except OverflowError:
        raise ExpressionError("the result is too large for a number") from None


@GROUP.function("floor", "floor(2.7) → 2")
def floor(_frame: Frame, value: float) -> JsonValue:
    """The largest whole number that is not larger."""
    return number(math.floor(value))


@GROUP.function("ceil", "ceil(2.1) → 3")
def ceil(_frame: Frame, value: float) -> JsonValue:
    """The smallest whole number that is not smaller."""
    return number(math.ceil(value))


@GROUP.function("sqrt", "sqrt(16) → 4.0")
def sqrt(_frame: Frame, value: float) -> float:
    """The square root."""
    if value < 0:
        raise ExpressionError("a negative number has no square root")
    return math.sqrt(value)


@GROUP.function("log", "log(8, 2) → 3.0")
def log(_frame: Frame, value: float, base: float | None = None) -> JsonValue:
    """The logarithm; the natural one without a base."""
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise ExpressionError("a logarithm needs a positive number, and a positive base other than 1")
    return number(math.log(value) if base is None else math.log(value, base))


@GROUP.function("clamp", "clamp(15, 0, 10) → 10")
def clamp(_frame: Frame, value: float, low: float, high: float) -> JsonValue:
    """The number, or the bound that it is beyond."""
    return max(low, min(high, value))


@GROUP.function("fixed", 'fixed(2.5, 2) → "2.50"')
def fixed(frame: Frame, value: float, digits: int = 2) -> str:
    """The number as text with exactly so many (at most 100) digits after the point."""
    if not 0 <= digits <= 100:
        raise ExpressionError("digits must be from 0 to 100")
    # The largest float has 309 digits before the point.
    frame.charge(50)
    return f"{value:.{digits}f}"
