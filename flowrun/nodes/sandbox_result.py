"""Makes JSON of what code in the sandbox gave, with an end to the work however often a part repeats."""

from __future__ import annotations

import math

from flowrun.domain.json import JsonValue
from flowrun.nodes.output import MAX_DEPTH, MAX_OUTPUT
from flowrun.nodes.sandbox_errors import CodeError

MAX_VALUES = 100_000
_WORDS = {bytes: "bytes", set: "a set", frozenset: "a frozenset", complex: "a complex number"}
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1


def as_json(value: object) -> JsonValue:
    """Return the value as JSON: a tuple becomes a list. Raises `CodeError` for what has no place in JSON."""
    return _Walk().plain(value, "", 1)


class _Walk:
    """One walk; what is met in two places is counted in both, as it is written twice."""

    def __init__(self) -> None:
        self._values = MAX_VALUES
        self._characters = MAX_OUTPUT

    def plain(self, value: object, path: str, depth: int) -> JsonValue:
        self._values -= 1
        if self._values < 0:
            raise CodeError("output_too_large", f"the result has more than {MAX_VALUES:,} values")
        if value is None or value is True or value is False:
            return value
        if type(value) is str:
            return self._text(value)
        if type(value) is int:
            return _integer(value, path)
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) in (list, tuple, dict):
            return self._inner(value, path, depth)
        raise _unfit(path, _name(value), "return texts, numbers, true/false, None, lists or dicts of those")

    def _inner(self, value: object, path: str, depth: int) -> JsonValue:
        if depth > MAX_DEPTH:
            raise CodeError("invalid_output", f"the result is nested more than {MAX_DEPTH} levels deep")
        if not isinstance(value, dict):
            items: list[object] | tuple[object, ...] = value  # type: ignore[assignment]
            return [self.plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(items)]
        result: dict[str, JsonValue] = {}
        for key, item in value.items():
            if type(key) is not str:
                raise _unfit(path, f"a dict with the key {str(key)[:50]}", "keys are texts: use str()")
            self._text(key)
            result[key] = self.plain(item, f"{path}.{key[:50]}" if path else key[:50], depth + 1)
        return result

    def _text(self, text: str) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            raise CodeError("output_too_large", f"the result has more than {MAX_OUTPUT:,} bytes as JSON")
        return text


def _integer(value: int, path: str) -> int:
    if not _MIN_INT <= value <= _MAX_INT:
        raise _unfit(path, "a whole number of more than 64 bits", "return it as a text")
    return value


def _name(value: object) -> str:
    if isinstance(value, float):
        return f"the number {value}"
    kind = type(value)
    if kind.__module__ == "pydantic_monty":
        return f"an object ({getattr(value, 'name', kind.__name__)})"
    return _WORDS.get(kind, f"a {kind.__name__}")


def _unfit(path: str, what: str, advice: str) -> CodeError:
    place = f" at {path[:200]}" if path else ""
    return CodeError("invalid_output", f"the result is not JSON: it has {what}{place}; {advice}")
