"""Text from outside made harmless and cut to width; numbers made readable."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

from tui.render.charset import UNICODE, Charset

_PLAIN_ASCII = frozenset(chr(code) for code in range(0x20, 0x7F))
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that a terminal obeys, hides, reorders or can't encode."""
_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def safe(text: str, charset: Charset = UNICODE) -> str:
    r"""One line that a terminal shows and never obeys: `\x1b` becomes `␛`, a bidi override `\u202e`.

    Marks that combine with more than three others are dropped, so that nothing climbs out of its line.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= 3:
            shown.append(_shown(char, charset.name == "ascii"))
    return "".join(shown)


@lru_cache(maxsize=4096)
def _shown(char: str, ascii_only: bool) -> str:
    if char in _PLAIN_ASCII:
        return char
    code = ord(char)
    if ascii_only or unicodedata.category(char) in _HIDDEN:
        if not ascii_only and (code < 0x20 or code == 0x7F):
            return chr(0x2400 + code) if code < 0x20 else "␡"
        return _escape(code)
    # Other spaces look like the plain one, or like nothing at all.
    return " " if unicodedata.category(char) == "Zs" else char


def _escape(code: int) -> str:
    named = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    if named is not None:
        return named
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def cells(text: str) -> int:
    """How many columns the text takes."""
    return cell_len(text)


def clip(text: str, width: int, charset: Charset = UNICODE) -> str:
    """The text in at most `width` columns; what is cut off ends with an ellipsis."""
    if width <= 0:
        return ""
    # Each cell holds a character and three marks at most: of a long text the rest needs no look.
    if len(text) <= 4 * width and cell_len(text) <= width:
        return text
    kept: list[str] = []
    used = 0
    for char in text:
        used += get_character_cell_size(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + charset.ellipsis


def same_width(text: str, charset: Charset) -> str:
    """Harmless text in the characters that there are, each as wide as it was: in ASCII `é` is `e`, `名` is `??`."""
    if charset is UNICODE or text.isascii():
        return text
    return "".join(_plain(char, charset) for char in text)


def _plain(char: str, charset: Charset) -> str:
    if char.isascii():
        return char
    width = get_character_cell_size(char)
    letter = unicodedata.normalize("NFKD", char)[0]
    return charset.ellipsis if char == UNICODE.ellipsis else letter if width == 1 and letter.isascii() else "?" * width


def fit(text: str, width: int, align: str = "left", charset: Charset = UNICODE) -> str:
    """The text in exactly `width` columns, cut or filled with spaces."""
    cut = clip(text, width, charset)
    space = " " * (width - cell_len(cut))
    return space + cut if align == "right" else cut + space


def duration(seconds: float) -> str:
    """A length of time in two units at most: `420ms`, `4.2s`, `3m12s`, `2h05m`, `3d04h`."""
    seconds = max(0.0, seconds)
    if round(seconds * 1000) < 1000:
        return f"{round(seconds * 1000)}ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for length, unit, part, small in _STEPS:
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // part:02d}{small}"
    return f"{whole}s"


def clock(seconds: float) -> str:
    """A running time: `00:41`, `1:02:03`, from a day on `3d 04h`."""
    whole = max(0, int(seconds))
    if whole >= 86_400:
        return f"{whole // 86_400}d {whole % 86_400 // 3_600:02d}h"
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes:02d}:{rest:02d}"


def age(seconds: float) -> str:
    """How long ago something was, in one unit: `now`, `12s`, `3m`, `2h`, `5d`."""
    whole = int(seconds)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        if whole >= length:
            return f"{whole // length}{unit}"
    return "now"


def size(amount: int) -> str:
    """Bytes: `512 B`, `1.2 kB`, `34 MB`."""
    value = float(amount)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def count(amount: int) -> str:
    """A number in at most five characters: `812`, `4211`, `12k`, `3.1M`."""
    if amount < 10_000:
        return str(amount)
    value = amount / 1000
    for unit in ("k", "M", "G"):
        if value < 999.5:
            return f"{value:.0f}{unit}" if value >= 9.95 else f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.1f}T"


def counted(amount: int, noun: str) -> str:
    """So many of something: `1 execution`, `12k executions`."""
    return f"{count(amount)} {noun}{'' if amount == 1 else 's'}"
