"""Functions on objects."""

from __future__ import annotations

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.paths import follow
from flowrun.domain.expression.table import Group, Items
from flowrun.domain.expression.values import JsonValue, kind_of

GROUP = Group("Objects")


@GROUP.function("dict", 'dict([["a", 1]]) → {"a": 1}')
def to_dict(frame: Frame, pairs: Items | dict[str, JsonValue] | None = None) -> dict[str, JsonValue]:
    """An object made of [key, value] pairs."""
    if pairs is None:
        return {}
    frame.charge(4 * len(pairs))
    if isinstance(pairs, dict):
        return dict(pairs)
    made: dict[str, JsonValue] = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ExpressionError("dict() needs pairs: lists of a text and a value")
        made[pair[0]] = pair[1]
    return made


@GROUP.function("keys", 'keys({"a": 1}) → ["a"]')
def keys(frame: Frame, value: dict[str, JsonValue]) -> list[JsonValue]:
    """The keys of an object."""
    frame.charge_items(len(value))
    return list(value)


@GROUP.function("values", 'values({"a": 1}) → [1]')
def values(frame: Frame, value: dict[str, JsonValue]) -> list[JsonValue]:
    """The values of an object."""
    frame.charge_items(len(value))
    return list(value.values())


@GROUP.function("items", 'items({"a": 1}) → [["a", 1]]')
def items(frame: Frame, value: dict[str, JsonValue]) -> list[JsonValue]:
    """The [key, value] pairs of an object."""
    frame.charge(2 * len(value))
    return [[key, element] for key, element in value.items()]


@GROUP.function("get", 'get({"a": {"b": 1}}, "a.b", 0) → 1', lenient=True)
def get(frame: Frame, value: JsonValue, path: str, default: JsonValue = None) -> JsonValue:
    """What is at a path of keys such as "a.b", or the default."""
    frame.charge_text(path)
    found = follow(value, path.split(".", 32))
    return default if found is None else found


@GROUP.function("has", 'has({"a": null}, "a") → true', lenient=True)
def has(_frame: Frame, value: JsonValue, key: str) -> bool:
    """Whether an object has a key, even with null for its value."""
    return isinstance(value, dict) and key in value


@GROUP.function("pick", 'pick({"a": 1, "b": 2}, ["a"]) → {"a": 1}')
def pick(frame: Frame, value: dict[str, JsonValue], keys: Items) -> dict[str, JsonValue]:
    """An object with only these keys."""
    frame.charge(4 * len(keys))
    return {key: value[key] for key in keys if isinstance(key, str) and key in value}


@GROUP.function("omit", 'omit({"a": 1, "b": 2}, ["a"]) → {"b": 2}')
def omit(frame: Frame, value: dict[str, JsonValue], keys: Items) -> dict[str, JsonValue]:
    """An object without these keys."""
    frame.charge(4 * (len(value) + len(keys)))
    dropped = {key for key in keys if isinstance(key, str)}
    return {key: element for key, element in value.items() if key not in dropped}


@GROUP.function("merge", 'merge({"a": 1}, {"a": 2, "b": 3}) → {"a": 2, "b": 3}')
def merge(frame: Frame, *objects: dict[str, JsonValue] | None) -> dict[str, JsonValue]:
    """One object with the keys of all; later ones win, null counts as empty."""
    merged: dict[str, JsonValue] = {}
    for value in objects:
        if value is not None and not isinstance(value, dict):
            raise ExpressionError(f"merge() needs objects, not {kind_of(value)}")
        frame.charge(4 * len(value or ()))
        merged.update(value or {})
    return merged
