"""The fixed table of methods: which ones text, lists and objects have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flowrun.domain.expression import strings
from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.compare import equal
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.functions import objects
from flowrun.domain.expression.table import FunctionSpec, Run, describe
from flowrun.domain.expression.values import JsonValue


def _index(frame: Frame, items: list[JsonValue], value: JsonValue) -> int:
    """Where an element first is; an error when nowhere."""
    for place, item in enumerate(items):
        frame.charge(3)
        if equal(frame, item, value):
            return place
    raise ExpressionError("the list does not hold this element")


def _count(frame: Frame, items: list[JsonValue], value: JsonValue) -> int:
    """How often an element occurs."""
    frame.charge(2 * len(items))
    return sum(equal(frame, item, value) for item in items)


def _get(_frame: Frame, value: dict[str, JsonValue], key: str, default: JsonValue = None) -> JsonValue:
    """The value of a key, or the default when there is no such key."""
    return value.get(key, default)


_TEXT: tuple[tuple[Run, str], ...] = (
    (strings.lower, '"Ab".lower() → "ab"'),
    (strings.upper, '"Ab".upper() → "AB"'),
    (strings.casefold, '"Straße".casefold() → "strasse"'),
    (strings.swapcase, '"Ab".swapcase() → "aB"'),
    (strings.title, '"a day".title() → "A Day"'),
    (strings.capitalize, '"aB".capitalize() → "Ab"'),
    (strings.strip, '" a ".strip() → "a"'),
    (strings.lstrip, '"xxa".lstrip("x") → "a"'),
    (strings.rstrip, '"a\\n".rstrip() → "a"'),
    (strings.split, '"a,b".split(",") → ["a", "b"]'),
    (strings.rsplit, '"a,b,c".rsplit(",", 1) → ["a,b", "c"]'),
    (strings.splitlines, '"a\\nb".splitlines() → ["a", "b"]'),
    (strings.join, '", ".join(["a", "b"]) → "a, b"'),
    (strings.replace, '"a-b".replace("-", "+") → "a+b"'),
    (strings.startswith, '"abc".startswith("ab") → true'),
    (strings.endswith, '"abc".endswith("bc") → true'),
    (strings.find, '"abc".find("c") → 2'),
    (strings.rfind, '"abab".rfind("a") → 2'),
    (strings.index, '"abc".index("b") → 1'),
    (strings.count, '"abab".count("ab") → 2'),
    (strings.zfill, '"-7".zfill(4) → "-007"'),
    (strings.ljust, '"a".ljust(3, ".") → "a.."'),
    (strings.rjust, '"a".rjust(3) → "  a"'),
    (strings.center, '"a".center(3, "*") → "*a*"'),
    (strings.removeprefix, '"v1".removeprefix("v") → "1"'),
    (strings.removesuffix, '"a.txt".removesuffix(".txt") → "a"'),
    (strings.isdigit, '"12".isdigit() → true'),
    (strings.isalpha, '"ab".isalpha() → true'),
    (strings.isalnum, '"a1".isalnum() → true'),
    (strings.isspace, '" ".isspace() → true'),
    (strings.isupper, '"AB".isupper() → true'),
    (strings.islower, '"ab".islower() → true'),
)
_LIST: tuple[tuple[Run, str], ...] = ((_index, "[5, 7].index(7) → 1"), (_count, "[1, 1].count(1) → 2"))
_OBJECT: tuple[tuple[Run, str], ...] = (
    (_get, '{"a": 1}.get("b", 0) → 0'),
    (objects.keys, '{"a": 1}.keys() → ["a"]'),
    (objects.values, '{"a": 1}.values() → [1]'),
    (objects.items, '{"a": 1}.items() → [["a", 1]]'),
)


def _table(group: str, methods: tuple[tuple[Run, str], ...]) -> Mapping[str, FunctionSpec]:
    described = (
        # The first two parameters are the frame and the value before the dot.
        describe(run, name=run.__name__.lstrip("_"), group=group, example=example, skip=2)
        for run, example in methods
    )
    return MappingProxyType({method.name: method for method in described})


METHODS: Mapping[type, Mapping[str, FunctionSpec]] = MappingProxyType(
    {str: _table("Text", _TEXT), list: _table("Lists", _LIST), dict: _table("Objects", _OBJECT)}
)
"""Every method, by the kind of value that has it and its name."""

METHOD_NAMES = frozenset(name for methods in METHODS.values() for name in methods)
