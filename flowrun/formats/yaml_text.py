"""YAML text in: the JSON part of YAML 1.2, built from the parser's events with no recursion and no expansion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

import yaml

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import MalformedError
from flowrun.formats import limits

# Only the parser of the loader is used: no resolver, no constructor, so no tag can make an object.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: dict[str, JsonValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGERS = (
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class _Mark(Protocol):
    """A place in the text, counted from 0; libyaml's and PyYAML's own classes have no common base."""

    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read."""

    value: JsonObject | list[JsonValue]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    stack: list[_Open] = field(default_factory=list)
    values: int = 0
    documents: int = 0
    root: JsonValue = None

    def add(self, value: JsonValue, event: yaml.Event) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._take_key(top, top.value, value, event)
            return
        self.values += 1
        limits.check_count(self.values)
        if top is None:
            self.root = value
        elif isinstance(top.value, list):
            top.value.append(value)
        elif top.key is not None:
            top.value[top.key] = value
            top.key = None

    @staticmethod
    def _take_key(top: _Open, mapping: JsonObject, value: JsonValue, event: yaml.Event) -> None:
        if not isinstance(value, str):
            _refuse("A key must be a text; put it in quotes", event)
        if value in mapping:
            _refuse(f"The key {value[:64]!r} occurs twice in one mapping", event)
        top.key = value

    def open(self, value: JsonObject | list[JsonValue], event: yaml.Event) -> None:
        self.add(value, event)
        self.stack.append(_Open(value))
        limits.check_depth(len(self.stack))


def read_yaml(source: str) -> JsonValue:
    """The value of a YAML text. Raises `MalformedError` (with line and column) or `TooLargeError`.

    Booleans are `true` and `false` alone; dates, `yes`, `no`, `on`, `off` and numbers with leading zeros are texts.
    Anchors, aliases, tags, duplicate keys, keys that are not texts and a second document are refused.
    """
    builder = _Builder()
    try:
        for event in _events(source):
            _apply(builder, event)
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "unreadable"
        raise MalformedError(f"The document is not valid YAML: {problem}{_place(error.problem_mark)}.") from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        reason = str(error).replace("\n", " ")[:200]
        raise MalformedError(f"The document is not valid YAML: {reason}.") from None
    if not builder.documents:
        raise MalformedError("The document is empty.")
    return builder.root


def _events(source: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(source, Loader=_PARSER)


def _apply(builder: _Builder, event: yaml.Event) -> None:
    match event:
        case yaml.AliasEvent():
            _refuse("Anchors and aliases are not read; write the value out", event)
        case yaml.ScalarEvent():
            _plain_node(event)
            builder.add(_scalar(event), event)
        case yaml.MappingStartEvent():
            _plain_node(event)
            builder.open({}, event)
        case yaml.SequenceStartEvent():
            _plain_node(event)
            builder.open([], event)
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            builder.stack.pop()
        case yaml.DocumentStartEvent():
            builder.documents += 1
            if builder.documents > 1:
                _refuse("A file holds one document", event)


def _plain_node(event: yaml.NodeEvent) -> None:
    if event.anchor is not None:
        _refuse("Anchors and aliases are not read; write the value out", event)
    if getattr(event, "tag", None) is not None:
        _refuse("Tags are not read; write the plain value", event)


def _scalar(event: yaml.ScalarEvent) -> JsonValue:
    content: str = limits.text(event.value)
    if event.style is not None and event.style != "":
        return content
    try:
        return resolve(content)
    except MalformedError as error:
        _refuse(str(error).rstrip("."), event)


def resolve(content: str) -> JsonValue:
    """What an unquoted YAML scalar means. Raises `MalformedError` for numbers that JSON has not."""
    if content in _WORDS:
        return _WORDS[content]
    if content[0] not in "+-.0123456789":
        return content
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(content):
            return limits.integer(content, base)
    if _FLOAT.fullmatch(content):
        return limits.number(content)
    if _NOT_FINITE.fullmatch(content):
        raise MalformedError(f"{content} is not a number in JSON; put it in quotes if it is a text.")
    return content


def _refuse(message: str, event: yaml.Event) -> NoReturn:
    raise MalformedError(f"{message}{_place(event.start_mark)}.")


def _place(mark: _Mark | None) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
