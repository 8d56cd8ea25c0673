"""Pure reductions of lists to one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType

from flowrun.domain.json import JsonValue
from flowrun.nodes.output import MAX_OUTPUT

Values = Sequence[tuple[int, JsonValue]]
"""Values with the place of the item that each came from."""
Number = int | float


def value_at(item: JsonValue, path: Sequence[str]) -> JsonValue:
    """Return what a path of names leads to within an item; null when it leads nowhere."""
    for name in path:
        if not isinstance(item, dict):
            return None
        item = item.get(name)
    return item


def group_name(value: JsonValue, place: int) -> str:
    """Return the text that a group is named by. Raises `ValueError` for a list or an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise ValueError(f"item {place} has a list or an object where it is grouped by")  # noqa: TRY004
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(int(value)) if value == int(value) else str(value)


def _sum(values: Values) -> JsonValue:
    numbers = _numbers(values)
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)
    total = math.fsum(numbers)
    if not math.isfinite(total):
        raise ValueError("the sum is too large for a number")
    return total


def _average(values: Values) -> JsonValue:
    numbers = _numbers(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def _count(values: Values) -> JsonValue:
    return sum(value is not None for _, value in values)


def _first(values: Values) -> JsonValue:
    return values[0][1] if values else None


def _last(values: Values) -> JsonValue:
    return values[-1][1] if values else None


def _list(values: Values) -> JsonValue:
    return [value for _, value in values]


def _extreme(choose: Callable[..., JsonValue]) -> Callable[[Values], JsonValue]:
    def chosen(values: Values) -> JsonValue:
        present = [(place, value) for place, value in values if value is not None]
        if not present:
            return None
        if isinstance(present[0][1], str):
            other = next((place for place, value in present if not isinstance(value, str)), None)
            if other is not None:
                raise ValueError(f"item {other} is no text, as the first one is")
            return choose(value for _, value in present)
        return choose(_numbers(present))

    return chosen


def joined(values: Values, separator: str) -> str:
    """Return the values as one text; nulls are left out. Raises `ValueError`."""
    parts: list[str] = []
    length = 0
    for place, value in values:
        if isinstance(value, dict | list):
            raise ValueError(f"item {place} is a list or an object, not a text")  # noqa: TRY004
        if value is not None:
            parts.append(group_name(value, place))
            length += len(parts[-1]) + len(separator)
        if length > MAX_OUTPUT + len(separator):
            raise ValueError(f"the text has more than {MAX_OUTPUT:,} characters")
    return separator.join(parts)


def _numbers(values: Values) -> list[Number]:
    numbers: list[Number] = []
    for place, value in values:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"item {place} is no number")  # noqa: TRY004
        numbers.append(value)
    return numbers


REDUCTIONS: MappingProxyType[str, Callable[[Values], JsonValue]] = MappingProxyType(
    {
        "sum": _sum,
        "count": _count,
        "min": _extreme(min),
        "max": _extreme(max),
        "average": _average,
        "first": _first,
        "last": _last,
        "list": _list,
    }
)
"""Operation → what makes one value of many. Each raises `ValueError` for values that it can't use."""
