"""Functions that look for regular expressions in text."""

from __future__ import annotations

import re

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.regex import matches
from flowrun.domain.expression.strings import join
from flowrun.domain.expression.table import Group
from flowrun.domain.expression.values import JsonValue

GROUP = Group("Patterns")

_REFERENCE = re.compile(r"\\(\\|[0-9])", re.ASCII)


@GROUP.function("match", 'match("^a+$", "aaa") → true')
def matched(frame: Frame, pattern: str, text: str) -> bool:
    """Whether a pattern occurs in text; ^ and $ tie it to the ends."""
    return next(matches(frame, pattern, text), None) is not None


@GROUP.function("regex_find", 'regex_find("([a-z]+)@", "to: joe@example.com") → "joe"')
def regex_find(frame: Frame, pattern: str, text: str) -> JsonValue:
    """The first occurrence (its group, or a list of them when there are several); null when there is none."""
    match = next(matches(frame, pattern, text), None)
    return None if match is None else _found(frame, match)


@GROUP.function("regex_find_all", r'regex_find_all("\\d+", "1, 22") → ["1", "22"]')
def regex_find_all(frame: Frame, pattern: str, text: str) -> list[JsonValue]:
    """Every occurrence, as regex_find() gives it."""
    return [_found(frame, match) for match in matches(frame, pattern, text)]


@GROUP.function("regex_replace", r'regex_replace("(\\w+)@(\\w+)", "\\2: \\1", "joe@home") → "home: joe"')
def regex_replace(frame: Frame, pattern: str, replacement: str, text: str) -> str:
    r"""Text with every occurrence replaced; \1 stands for the first group, \0 for the whole, \\ for a backslash."""
    parts: list[JsonValue] = []
    position = 0
    for match in matches(frame, pattern, text):
        start, end = match.span()
        parts.append(_slice(frame, text, position, start))
        parts.append(_expand(frame, match, replacement))
        position = end
    parts.append(_slice(frame, text, position, len(text)))
    return join(frame, "", parts)


def _found(frame: Frame, match: re.Match[str]) -> JsonValue:
    groups = match.groups()
    found = groups or (match.group(),)
    for text in found:
        frame.charge_text(text or "")
    return found[0] if len(found) == 1 else list(found)


def _slice(frame: Frame, text: str, start: int, end: int) -> str:
    frame.charge((end - start >> (6 if text.isascii() else 4)) + 1)
    return text[start:end]


def _expand(frame: Frame, match: re.Match[str], replacement: str) -> str:
    if "\\" not in replacement:
        return replacement
    parts: list[JsonValue] = []
    position = 0
    for reference in _REFERENCE.finditer(replacement):
        frame.charge(16)
        parts.append(replacement[position : reference.start()])
        parts.append(_referenced(match, reference.group(1)))
        position = reference.end()
    parts.append(replacement[position:])
    frame.charge_text(replacement)
    return join(frame, "", parts)


def _referenced(match: re.Match[str], name: str) -> str:
    if name == "\\":
        return name
    if int(name) > len(match.groups()):
        raise ExpressionError(f"the pattern has no group {name}")
    return match.group(int(name)) or ""
