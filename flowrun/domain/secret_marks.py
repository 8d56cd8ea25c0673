"""Marks: what stands for a secret in a job's params until a worker puts the value in its place.

A mark holds a token that is drawn for each job, so that nobody can write one into what they send: a text that looks
like a mark, in the body of a webhook or decoded by an expression, stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from flowrun.domain.json import JsonObject, JsonValue

# Of the private use area: in no text that people write.
_OPEN, _CLOSE = "\ue000", "\ue001"


def new_token(random: Callable[[], float]) -> str:
    """A token of 104 bits; `random` gives numbers in [0, 1)."""
    return f"{int(random() * (1 << 52)):013x}{int(random() * (1 << 52)):013x}"


def marks(token: str, names: Iterable[str]) -> JsonObject:
    """What `secrets` is in the scope of a job's expressions: a mark for each name."""
    return {name: f"{_OPEN}{token}:{name}{_CLOSE}" for name in names}


def marked_names(params: JsonValue, token: str) -> set[str]:
    """The names of the secrets that are marked anywhere in a job's params."""
    found: set[str] = set()

    def note(match: re.Match[str]) -> str:
        found.add(match[1])
        return ""

    _replaced(params, _pattern(token), note)
    return found


def filled(params: JsonObject, token: str, values: Mapping[str, str]) -> JsonObject:
    """The params with each mark replaced by the value of its name; raises `KeyError` when one is missing."""
    replaced = _replaced(params, _pattern(token), lambda match: values[match[1]])
    return replaced if isinstance(replaced, dict) else params


def _pattern(token: str) -> re.Pattern[str]:
    return re.compile(f"{_OPEN}{re.escape(token)}:([A-Za-z0-9_]+){_CLOSE}")


def _replaced(value: JsonValue, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> JsonValue:
    if isinstance(value, str):
        return pattern.sub(by, value) if _OPEN in value else value
    if isinstance(value, list):
        return [_replaced(item, pattern, by) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, pattern, by) for key, item in value.items()}
    return value
