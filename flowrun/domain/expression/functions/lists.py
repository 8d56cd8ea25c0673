"""Functions on lists, and on whatever else can be looped over."""

from __future__ import annotations

from functools import cmp_to_key
from itertools import chain
from typing import cast

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.compare import contains as holds
from flowrun.domain.expression.compare import less
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.operators import add, number
from flowrun.domain.expression.paths import follow
from flowrun.domain.expression.sizes import to_json, to_text
from flowrun.domain.expression.table import Group, Items, Lazy, iterate
from flowrun.domain.expression.values import JsonValue, kind_of

GROUP = Group("Lists")


@GROUP.function("len", "len([1, 2]) → 2")
def length(_frame: Frame, value: str | list[JsonValue] | dict[str, JsonValue]) -> int:
    """How many elements, keys or characters there are."""
    return len(value)


@GROUP.function("range", "range(1, 4) → [1, 2, 3]")
def span(frame: Frame, start: int, stop: int | None = None, step: int = 1) -> list[JsonValue]:
    """The whole numbers from start (0 when only stop is given) up to but not including stop."""
    if step == 0:
        raise ExpressionError("the step of a range cannot be 0")
    numbers = range(start, stop, step) if stop is not None else range(start)
    size = (numbers.stop - numbers.start + step - (1 if step > 0 else -1)) // step
    frame.charge(max(0, size))
    return list(numbers)


@GROUP.function("sum", "sum([1, 2.5]) → 3.5")
def total(frame: Frame, items: Items, start: float = 0) -> JsonValue:
    """The sum of the numbers in a list."""
    frame.charge(len(items))
    for item in items:
        if not isinstance(item, (int, float)):
            add(frame, start, item)
    return number(sum(cast("list[float]", items), start))


@GROUP.function("min", "min(3, 1, 2) → 1")
def smallest(frame: Frame, first: JsonValue, *rest: JsonValue, default: JsonValue = None) -> JsonValue:
    """The smallest of the elements of a list, or of several values."""
    return _extreme(frame, (first, *rest), default, smaller=True)


@GROUP.function("max", "max([3, 1, 2]) → 3")
def largest(frame: Frame, first: JsonValue, *rest: JsonValue, default: JsonValue = None) -> JsonValue:
    """The largest of the elements of a list, or of several values."""
    return _extreme(frame, (first, *rest), default, smaller=False)


def _extreme(frame: Frame, values: tuple[JsonValue, ...], default: JsonValue, *, smaller: bool) -> JsonValue:
    items = list(values) if len(values) > 1 else iterate(frame, values[0])
    if not items:
        return default
    frame.charge(2 * len(items))
    best = items[0]
    for item in items[1:]:
        if less(frame, item, best) if smaller else less(frame, best, item):
            best = item
    return best


@GROUP.function("any", "any(x > 2 for x in [1, 3]) → true")
def some(frame: Frame, items: Lazy) -> bool:
    """Whether an element counts as true; a generator is read no further than that."""
    _charge_reading(frame, items)
    return any(items)


@GROUP.function("all", "all(x > 2 for x in [1, 3]) → false")
def every(frame: Frame, items: Lazy) -> bool:
    """Whether every element counts as true; a generator is read no further than needed."""
    _charge_reading(frame, items)
    return all(items)


def _charge_reading(frame: Frame, items: Lazy) -> None:
    # A generator pays in each of its rounds.
    if isinstance(items, list):
        frame.charge_items(len(items))


@GROUP.function("first", "first([], 0) → 0")
def first(_frame: Frame, items: Lazy, default: JsonValue = None) -> JsonValue:
    """The first element, or the default when there is none; a generator is read no further."""
    return next(iter(items), default)


@GROUP.function("last", "last([1, 2]) → 2")
def last(_frame: Frame, items: Items, default: JsonValue = None) -> JsonValue:
    """The last element, or the default when there is none."""
    return items[-1] if items else default


@GROUP.function("sorted", "sorted([2, 3, 1], reverse=true) → [3, 2, 1]")
def ordered(frame: Frame, items: Items, reverse: bool = False) -> list[JsonValue]:
    """The elements in order: numbers, texts or lists, never mixed."""
    return _sort(frame, items, items, reverse=bool(reverse))


@GROUP.function("sort_by", 'sort_by([{"n": 2}, {"n": 1}], "n") → [{"n": 1}, {"n": 2}]')
def sort_by(frame: Frame, items: Items, key: str, reverse: bool = False) -> list[JsonValue]:
    """The objects of a list in the order of what is at a key, such as "customer.name"; nulls come last."""
    keys = pluck(frame, items, key)
    known = [place for place, value in enumerate(keys) if value is not None]
    unknown = [item for item, value in zip(items, keys, strict=True) if value is None]
    in_order = _sort(frame, [items[i] for i in known], [keys[i] for i in known], reverse=bool(reverse))
    return in_order + unknown


def _sort(frame: Frame, items: list[JsonValue], keys: list[JsonValue], *, reverse: bool) -> list[JsonValue]:
    frame.charge((len(items) * len(items).bit_length() >> 2) + 2 * len(items))
    order = list(range(len(items)))
    if all(type(key) in {int, float, bool} for key in keys):
        order.sort(key=cast("list[float]", keys).__getitem__, reverse=reverse)
    else:

        def compare(one: int, other: int) -> int:
            frame.charge(3)
            return -1 if less(frame, keys[one], keys[other]) else int(less(frame, keys[other], keys[one]))

        order.sort(key=cmp_to_key(compare), reverse=reverse)
    return [items[place] for place in order]


@GROUP.function("reversed", "reversed([1, 2]) → [2, 1]")
def backwards(frame: Frame, items: Items) -> list[JsonValue]:
    """The elements from the last to the first."""
    frame.charge_items(len(items))
    return items[::-1]


@GROUP.function("unique", "unique([2, 1, 2]) → [2, 1]")
def unique(frame: Frame, items: Items) -> list[JsonValue]:
    """The elements without those that occurred before."""
    frame.charge(4 * len(items))
    seen: dict[object, JsonValue] = {}
    for item in items:
        seen.setdefault(_identity(frame, item), item)
    return list(seen.values())


def _identity(frame: Frame, value: JsonValue) -> object:
    if isinstance(value, str):
        frame.charge_text(value)
    if isinstance(value, (list, dict)):
        return (list, to_json(frame, value, sort_keys=True))
    return (bool, value) if isinstance(value, bool) else value


@GROUP.function("flatten", "flatten([[1], [2, [3]], 4]) → [1, 2, [3], 4]")
def flatten(frame: Frame, items: Items) -> list[JsonValue]:
    """The elements of the lists in a list, one level deep."""
    frame.charge(len(items))
    parts = [item if isinstance(item, list) else [item] for item in items]
    frame.charge_items(sum(map(len, parts)))
    return list(chain.from_iterable(parts))


@GROUP.function("enumerate", 'enumerate(["a", "b"]) → [[0, "a"], [1, "b"]]')
def numbered(frame: Frame, items: Items, start: int = 0) -> list[JsonValue]:
    """The elements, each with its number."""
    frame.charge(3 * len(items))
    number(start + len(items))
    return [[place, item] for place, item in enumerate(items, start)]


@GROUP.function("zip", 'zip([1, 2], ["a", "b"]) → [[1, "a"], [2, "b"]]')
def zipped(frame: Frame, *lists: Items) -> list[JsonValue]:
    """The first elements of several lists, then the second ones, and so on to the end of the shortest."""
    count = min(map(len, lists), default=0)
    frame.charge(count * (3 + len(lists) // 4))
    return [list(row) for row in zip(*lists, strict=False)]


@GROUP.function("contains", "contains([1, 2], 2) → true")
def contains(frame: Frame, whole: str | list[JsonValue] | dict[str, JsonValue] | None, part: JsonValue) -> bool:
    """Whether a text, list or object has this part, element or key; null has none."""
    return whole is not None and holds(frame, part, whole)


@GROUP.function("pluck", 'pluck([{"a": 1}, {"a": 2}], "a") → [1, 2]')
def pluck(frame: Frame, items: Items, key: str) -> list[JsonValue]:
    """What each object of a list has at a key, such as "customer.name"; null where there is nothing."""
    keys = key.split(".", 32)
    frame.charge(len(items) * (1 + len(keys)))
    return [follow(item, keys) for item in items]


@GROUP.function("group_by", 'group_by([{"k": "a"}, {"k": "b"}], "k") → {"a": [{"k": "a"}], "b": [{"k": "b"}]}')
def group_by(frame: Frame, items: Items, key: str) -> dict[str, JsonValue]:
    """The objects of a list by what they have at a key, written as text."""
    groups: dict[str, list[JsonValue]] = {}
    for item, value in zip(items, pluck(frame, items, key), strict=True):
        if isinstance(value, (list, dict)):
            raise ExpressionError(f"{kind_of(value)} cannot name a group")
        frame.charge(8)
        groups.setdefault(to_text(frame, value), []).append(item)
    return cast("dict[str, JsonValue]", groups)


@GROUP.function("chunk", "chunk([1, 2, 3], 2) → [[1, 2], [3]]")
def chunk(frame: Frame, items: Items, size: int) -> list[JsonValue]:
    """The elements in lists of so many; the last may be shorter."""
    if size < 1:
        raise ExpressionError("the size of a chunk must be at least 1")
    frame.charge(2 * (len(items) // size + 1))
    frame.charge_items(len(items))
    return [items[start : start + size] for start in range(0, len(items), size)]
