"""Functions on text."""

from __future__ import annotations

import re
import unicodedata

from flowrun.domain.expression import strings
from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.sizes import to_text
from flowrun.domain.expression.table import Group, Items
from flowrun.domain.expression.values import JsonValue

GROUP = Group("Text")

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"\w+")


@GROUP.function("lower", 'lower("ABC") → "abc"')
def lower(frame: Frame, text: str) -> str:
    """In lower case."""
    return strings.lower(frame, text)


@GROUP.function("upper", 'upper("abc") → "ABC"')
def upper(frame: Frame, text: str) -> str:
    """In upper case."""
    return strings.upper(frame, text)


@GROUP.function("trim", 'trim("  a ") → "a"')
def trim(frame: Frame, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at both ends."""
    return strings.strip(frame, text, characters)


@GROUP.function("split", 'split("a,b", ",") → ["a", "b"]')
def split(frame: Frame, text: str, separator: str | None = None, limit: int = -1) -> list[JsonValue]:
    """The parts between separators; without one, the words."""
    return strings.split(frame, text, separator, limit)


@GROUP.function("join", 'join([1, "b"], "-") → "1-b"')
def join(frame: Frame, items: Items, separator: str = "") -> str:
    """The elements of a list as one text."""
    frame.charge(2 * len(items))
    return strings.join(frame, separator, [to_text(frame, item) for item in items])


@GROUP.function("replace", 'replace("a-b", "-", "+") → "a+b"')
def replace(frame: Frame, text: str, old: str, new: str) -> str:
    """With every occurrence of a part replaced."""
    return strings.replace(frame, text, old, new)


@GROUP.function("starts_with", 'starts_with("abc", "ab") → true')
def starts_with(frame: Frame, text: str, start: str) -> bool:
    """Whether text begins so."""
    return strings.startswith(frame, text, start)


@GROUP.function("ends_with", 'ends_with("abc", "bc") → true')
def ends_with(frame: Frame, text: str, end: str) -> bool:
    """Whether text ends so."""
    return strings.endswith(frame, text, end)


@GROUP.function("capitalize", 'capitalize("aBC") → "Abc"')
def capitalize(frame: Frame, text: str) -> str:
    """With a capital first letter, the rest in lower case."""
    return strings.capitalize(frame, text)


@GROUP.function("title", 'title("a new day") → "A New Day"')
def title(frame: Frame, text: str) -> str:
    """With a capital first letter in every word."""
    return strings.title(frame, text)


@GROUP.function("words", 'words("a, b c!") → ["a", "b", "c"]')
def words(frame: Frame, text: str) -> list[JsonValue]:
    """The words: runs of letters, digits and underscores."""
    frame.charge((len(text) >> 4) + 1)
    found: list[JsonValue] = []
    for match in _WORD.finditer(text):
        frame.charge(3 + (match.end() - match.start() >> 4))
        found.append(match.group())
    return found


@GROUP.function("slug", 'slug("Crème brûlée!") → "creme-brulee"')
def slug(frame: Frame, text: str) -> str:
    # A letter may become a part of its own, and a character beyond ASCII decomposes into at most 18.
    """Lower-case ASCII letters and digits, joined by hyphens."""
    frame.charge(len(text) * (1 if text.isascii() else 3) + 1)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _NOT_SLUG.sub("-", plain.lower()).strip("-")


@GROUP.function("truncate", 'truncate("abcdef", 4) → "abc…"')
def truncate(frame: Frame, text: str, size: int, end: str = "…") -> str:
    """At most so many characters, the end mark included."""
    if len(text) <= size:
        return text
    frame.charge_text(text)
    frame.charge_text(end)
    return (text[: max(0, size - len(end))] + end)[: max(0, size)]
