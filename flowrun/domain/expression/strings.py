"""What can be done with text, for functions and methods alike; each pays for its result before making it."""

from __future__ import annotations

from typing import cast

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.values import JsonValue, kind_of


def lower(frame: Frame, text: str) -> str:
    """In lower case."""
    _charge_case(frame, text)
    return text.lower()


def upper(frame: Frame, text: str) -> str:
    """In upper case."""
    _charge_case(frame, text)
    return text.upper()


def casefold(frame: Frame, text: str) -> str:
    """For comparing without regard to case."""
    _charge_case(frame, text)
    return text.casefold()


def swapcase(frame: Frame, text: str) -> str:
    """With upper and lower case exchanged."""
    _charge_case(frame, text)
    return text.swapcase()


def title(frame: Frame, text: str) -> str:
    """With a capital first letter in every word."""
    _charge_case(frame, text)
    return text.title()


def capitalize(frame: Frame, text: str) -> str:
    """With a capital first letter, the rest in lower case."""
    _charge_case(frame, text)
    return text.capitalize()


def strip(frame: Frame, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at both ends."""
    _charge_strip(frame, text, characters)
    return text.strip(characters)


def lstrip(frame: Frame, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at the start."""
    _charge_strip(frame, text, characters)
    return text.lstrip(characters)


def rstrip(frame: Frame, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at the end."""
    _charge_strip(frame, text, characters)
    return text.rstrip(characters)


def split(frame: Frame, text: str, sep: str | None = None, maxsplit: int = -1) -> list[JsonValue]:
    """The parts between separators; without one, the words."""
    limit = _split_limit(frame, text, sep, maxsplit)
    parts = text.split(sep, limit)
    return _paid_parts(frame, parts)


def rsplit(frame: Frame, text: str, sep: str | None = None, maxsplit: int = -1) -> list[JsonValue]:
    """The parts between separators, split from the end."""
    limit = _split_limit(frame, text, sep, maxsplit, backwards=True)
    parts = text.rsplit(sep, limit)
    return _paid_parts(frame, parts)


def splitlines(frame: Frame, text: str, keepends: bool = False) -> list[JsonValue]:
    """The lines."""
    frame.charge_text(text)
    frame.charge(sum(text.count(mark) for mark in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029") * 5 >> 2)
    return cast("list[JsonValue]", text.splitlines(keepends))


def join(frame: Frame, text: str, items: list[JsonValue]) -> str:
    """The texts of a list with this one between them."""
    size = len(text) * max(0, len(items) - 1)
    ascii_only = text.isascii()
    frame.charge_items(len(items) * 4)
    parts: list[str] = []
    for item in items:
        if not isinstance(item, str):
            raise ExpressionError(f"only text can be joined, not {kind_of(item)}; join(list, separator) takes any")
        size += len(item)
        ascii_only = ascii_only and item.isascii()
        parts.append(item)
    frame.charge((size >> (6 if ascii_only else 4)) + 1)
    return text.join(parts)


def replace(frame: Frame, text: str, old: str, new: str, count: int = -1) -> str:
    """With every occurrence of a part (or the first `count`) replaced."""
    frame.charge_search(text, old)
    found = text.count(old) if count < 0 else min(text.count(old), count)
    size = len(text) + found * (len(new) - len(old))
    frame.charge((max(size, 0) >> (6 if text.isascii() and new.isascii() else 4)) + (found >> 2) + 1)
    return text.replace(old, new, count)


def startswith(frame: Frame, text: str, prefix: str) -> bool:
    """Whether the text begins so."""
    frame.charge_text(prefix)
    return text.startswith(prefix)


def endswith(frame: Frame, text: str, suffix: str) -> bool:
    """Whether the text ends so."""
    frame.charge_text(suffix)
    return text.endswith(suffix)


def find(frame: Frame, text: str, part: str, start: int = 0, end: int | None = None) -> int:
    """Where a part first is; -1 when nowhere."""
    frame.charge_search(text, part)
    return text.find(part, start, end)


def rfind(frame: Frame, text: str, part: str, start: int = 0, end: int | None = None) -> int:
    """Where a part last is; -1 when nowhere."""
    frame.charge_search(text, part, backwards=True)
    return text.rfind(part, start, end)


def index(frame: Frame, text: str, part: str, start: int = 0, end: int | None = None) -> int:
    """Where a part first is; an error when nowhere."""
    position = find(frame, text, part, start, end)
    if position < 0:
        raise ExpressionError("the text does not hold this part; find() gives -1 then")
    return position


def count(frame: Frame, text: str, part: str, start: int = 0, end: int | None = None) -> int:
    """How often a part occurs."""
    frame.charge_search(text, part)
    return text.count(part, start, end)


def zfill(frame: Frame, text: str, width: int) -> str:
    """Filled up with zeros on the left, after a sign."""
    _charge_width(frame, text, width)
    return text.zfill(width)


def ljust(frame: Frame, text: str, width: int, fill: str = " ") -> str:
    """Filled up on the right."""
    _charge_width(frame, text, width, fill)
    return text.ljust(width, fill)


def rjust(frame: Frame, text: str, width: int, fill: str = " ") -> str:
    """Filled up on the left."""
    _charge_width(frame, text, width, fill)
    return text.rjust(width, fill)


def center(frame: Frame, text: str, width: int, fill: str = " ") -> str:
    """Filled up on both sides."""
    _charge_width(frame, text, width, fill)
    return text.center(width, fill)


def removeprefix(frame: Frame, text: str, prefix: str) -> str:
    """Without this start, if the text has it."""
    frame.charge_text(text)
    return text.removeprefix(prefix)


def removesuffix(frame: Frame, text: str, suffix: str) -> str:
    """Without this end, if the text has it."""
    frame.charge_text(text)
    return text.removesuffix(suffix)


def isdigit(frame: Frame, text: str) -> bool:
    """Whether there are only digits."""
    _charge_kind(frame, text)
    return text.isdigit()


def isalpha(frame: Frame, text: str) -> bool:
    """Whether there are only letters."""
    _charge_kind(frame, text)
    return text.isalpha()


def isalnum(frame: Frame, text: str) -> bool:
    """Whether there are only letters and digits."""
    _charge_kind(frame, text)
    return text.isalnum()


def isspace(frame: Frame, text: str) -> bool:
    """Whether there is only white space."""
    _charge_kind(frame, text)
    return text.isspace()


def isupper(frame: Frame, text: str) -> bool:
    """Whether all letters are in upper case."""
    _charge_kind(frame, text)
    return text.isupper()


def islower(frame: Frame, text: str) -> bool:
    """Whether all letters are in lower case."""
    _charge_kind(frame, text)
    return text.islower()


def _charge_case(frame: Frame, text: str) -> None:
    # Changing case looks up every character; beyond ASCII one becomes up to three, in a buffer of 12 bytes each.
    frame.charge((len(text) >> (6 if text.isascii() else 2)) + 1)


def _charge_kind(frame: Frame, text: str) -> None:
    frame.charge((len(text) >> 5) + 1)


def _charge_strip(frame: Frame, text: str, characters: str | None) -> None:
    frame.charge_text(text)
    if characters:
        # Every character at the ends is looked for among these.
        frame.charge_search(text, characters, backwards=True)


def _charge_width(frame: Frame, text: str, width: int, fill: str = " ") -> None:
    if len(fill) != 1:
        raise ExpressionError("what fills a text up must be one character")
    size = max(len(text), width)
    frame.charge((size >> (6 if text.isascii() and fill.isascii() else 4)) + 1)


def _split_limit(frame: Frame, text: str, sep: str | None, maxsplit: int, *, backwards: bool = False) -> int:
    """Pay for the text, and return how many splits what is left of the budget allows."""
    if sep == "":
        raise ExpressionError("a separator cannot be empty; list(text) gives the characters")
    frame.charge_text(text)
    frame.charge_search(text, sep or " ", backwards=backwards)
    affordable = frame.left + 1
    return affordable if maxsplit < 0 else min(maxsplit, affordable)


def _paid_parts(frame: Frame, parts: list[str]) -> list[JsonValue]:
    frame.charge(len(parts) * 5 >> 2)
    return cast("list[JsonValue]", parts)
