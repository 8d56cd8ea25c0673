"""Reads one object of a document key by key, noting everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.validate import Spelling
from flowrun.errors import Issue
from flowrun.formats.duration import parse_duration

_Choice = TypeVar("_Choice", bound=StrEnum)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Problems:
    """The issues found so far, and the budget for guessing what was meant."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.spelling = Spelling()

    def add(self, path: str, message: str, suggestion: str | None = None) -> None:
        """Note one thing that is wrong at `path`."""
        self.issues.append(Issue(path, message, suggestion))


def snake_case(key: str) -> str:
    """`retryOnInterrupt` as `retry_on_interrupt`; a key that is no identifier stays as it is."""
    return _CAMEL.sub("_", key).lower() if key.isidentifier() else key


def join_path(path: str, key: str) -> str:
    """The path of a key within the object at `path`: `nodes[2].params`, `nodes["odd key"]`."""
    if not _SIMPLE_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key[:100], ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


class Fields:
    """One object whose keys are read in snake_case or camelCase; null is as good as absent."""

    def __init__(self, value: Mapping[str, JsonValue], path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._values = value
        self._written: dict[str, str] = {}
        for key in value:
            name = snake_case(key)
            if name in self._written:
                problems.add(join_path(path, key), f"is the same as {self._written[name]!r}: write one of them")
            else:
                self._written[name] = key

    @property
    def names(self) -> Collection[str]:
        """Every key that is there, null or not, in snake_case."""
        return self._written.keys()

    def path_of(self, name: str) -> str:
        """Where a key is, spelt as the user did, or where it should be."""
        return join_path(self.path, self._written.get(name, name))

    def get(self, name: str) -> JsonValue:
        """The value of a key, or None."""
        key = self._written.get(name)
        return self._values[key] if key is not None else None

    def has(self, name: str) -> bool:
        """Whether the key is there and not null."""
        return self.get(name) is not None

    def complain(self, name: str, message: str, suggestion: str | None = None) -> None:
        """Note that the value of a key is wrong."""
        self.problems.add(self.path_of(name), message, suggestion)

    def check_keys(self, known: Collection[str], ignored: Collection[str] = ()) -> None:
        """Note every key that is neither known nor to be ignored."""
        for name, key in self._written.items():
            if name not in known and name not in ignored:
                hint = self.problems.spelling.closest(name, known)
                self.problems.add(join_path(self.path, key), "is not a known key; remove it", hint)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        self.complain(name, "must be a text")
        return default

    def identifier(self, name: str) -> str:
        """A text or a whole number (editors count their nodes), as text; empty when absent."""
        value = self.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return str(value)
        return self.text(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.complain(name, "must be true or false")
        return default

    def whole_number(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.complain(name, "must be a whole number")
        return default

    def duration(self, name: str) -> float | None:
        """Seconds of a duration."""
        value = self.get(name)
        if value is None:
            return None
        try:
            return parse_duration(value)
        except ValueError as error:
            self.complain(name, str(error))
            return None

    def choice(self, name: str, choices: type[_Choice]) -> _Choice | None:
        """One of the values of an enumeration, written in any case and with dashes or underscores."""
        value = self.get(name)
        if value is None:
            return None
        words = [choice.value for choice in choices]
        word = snake_case(value).replace("-", "_") if isinstance(value, str) else ""
        if word in words:
            return choices(word)
        self.complain(name, f"must be one of {', '.join(words)}", self.problems.spelling.closest(word, words))
        return None

    def mapping(self, name: str) -> JsonObject | None:
        """An object."""
        value = self.get(name)
        if value is None or isinstance(value, dict):
            return value
        self.complain(name, "must be an object (a mapping of keys to values)")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.get(name)
        if value is None:
            return ()
        if isinstance(value, list):
            texts = tuple(item for item in value if isinstance(item, str))
            if len(texts) == len(value):
                return texts
        self.complain(name, "must be a list of texts")
        return ()

    def nested(self, name: str) -> Fields | None:
        """An object, to be read key by key in its turn."""
        value = self.mapping(name)
        return None if value is None else Fields(value, self.path_of(name), self.problems)
