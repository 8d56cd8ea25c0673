"""The token pass: reads the words of an expression and writes them as Python's parser wants them."""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from dataclasses import dataclass

from flowrun.domain.expression.errors import ExpressionSyntaxError
from flowrun.domain.expression.suggest import foreign

MAX_SOURCE = 8192
"""Characters in one expression."""

MAX_NESTING = 48
"""Brackets inside one another, and signs, conditions or powers in one another."""

KEYWORD_MARK = "__keyword"
"""Ends an attribute that is a Python keyword, such as `order.from`, until the parser is through."""

TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>[rR]?(?:"[^"\\\r\n\0]*(?:\\[^\r\n\0][^"\\\r\n\0]*)*"|'[^'\\\r\n\0]*(?:\\[^\r\n\0][^'\\\r\n\0]*)*'))
    |(?P<number>0[xXoObB][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator>\*\*|//|==|!=|<=|>=|&&|\|\||[-+*/%<>!()\[\]{}.,:=])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_KNOWN_ESCAPES = frozenset("\\'\"abfnrtvxuU01234567")
_OCTAL_TOO_LARGE = re.compile(r"(?<!\\)(?:\\\\)*\\[4-7][0-7]{2}")
_TRANSLATED = {"&&": "and", "||": "or", "!": "not"}
_CLOSES = {")": "(", "]": "[", "}": "{"}
_WORDS = frozenset({"and", "or", "not", "if", "else", "for", "in", "is", "True", "False", "None"})
_PREFIXES = frozenset({"not", "-", "+"})
_NESTING_WORDS = frozenset({"else", "for", "**"})


@dataclass(frozen=True, slots=True)
class Translation:
    """An expression as Python source, and where in the user's source its parts were."""

    python: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def position(self, byte_column: int) -> int:
        """Return the column in the user's source for a UTF-8 column in the Python source."""
        column = byte_column
        if not self.python.isascii():
            column = len(self.python.encode()[:byte_column].decode(errors="ignore"))
        return self.origins[max(0, bisect_right(self.starts, column) - 1)]


class _Nesting:
    """Keeps count of what the parser would recurse into, so that it never goes too deep."""

    def __init__(self) -> None:
        self.brackets: list[tuple[str, int]] = []
        self._prefixes = 0
        self._chained = 0

    def see(self, word: str, position: int) -> None:
        """Take note of the next word."""
        if word in "([{":
            self.brackets.append((word, position))
        elif word in _CLOSES and (not self.brackets or self.brackets.pop()[0] != _CLOSES[word]):
            raise ExpressionSyntaxError(f"nothing opens this {word!r}", position=position)
        self._prefixes = self._prefixes + 1 if word in _PREFIXES else 0
        self._chained += word in _NESTING_WORDS
        if max(len(self.brackets), self._prefixes, self._chained) > MAX_NESTING:
            raise ExpressionSyntaxError("the expression is nested too deeply", position=position)

    def finish(self) -> None:
        """Refuse brackets that were never closed."""
        if self.brackets:
            word, position = self.brackets[-1]
            raise ExpressionSyntaxError(f"this {word!r} is never closed", position=position)


def translate(source: str) -> Translation:
    """Write an expression as Python source; raises ExpressionSyntaxError for what can be no part of one."""
    _check_text(source)
    pieces = ["("]
    starts, origins = [0], [0]
    nesting = _Nesting()
    length, position, previous = 1, 0, ""
    while position < len(source):
        match = TOKEN.match(source, position)
        if match is None or match.lastgroup == "operator":
            _refuse_foreign(source, position)
        if match is None:
            raise _unreadable(source, position)
        if match.lastgroup != "space":
            word = _word(match, previous)
            if match.lastgroup in {"operator", "name"}:
                nesting.see(word, position)
            starts.append(length)
            origins.append(position)
            pieces.append(word + " ")
            length += len(word) + 1
            previous = word
        position = match.end()
    nesting.finish()
    if not previous:
        raise ExpressionSyntaxError("the expression is empty", position=0)
    return Translation("".join(pieces) + ")", tuple(starts), tuple(origins))


def _refuse_foreign(source: str, position: int) -> None:
    message = foreign(source, position)
    if message is not None:
        raise ExpressionSyntaxError(message, position=position)


def _check_text(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise ExpressionSyntaxError(f"the expression is longer than {MAX_SOURCE} characters")
    try:
        source.encode()
    except UnicodeEncodeError as error:
        raise ExpressionSyntaxError("this is half a character", position=error.start) from None


def _word(match: re.Match[str], previous: str) -> str:
    text, position = match.group(), match.start()
    following = match.string[match.end() : match.end() + 1]
    if match.lastgroup == "string":
        return text if text[0] in "rR" else _escaped(text, position)
    if match.lastgroup == "number":
        if following.isalnum() or following in {"_", "."}:
            raise ExpressionSyntaxError("this is not a number", position=position)
        return text
    if match.lastgroup == "name":
        if following in {'"', "'"}:
            raise ExpressionSyntaxError(f"text cannot begin with {text}{following}", position=position)
        return _name(text, position, previous)
    return _TRANSLATED.get(text, text)


def _name(text: str, position: int, previous: str) -> str:
    if text.startswith("__"):
        raise ExpressionSyntaxError(f"a name cannot begin with two underscores: {text}", position=position)
    if previous == ".":
        return text + KEYWORD_MARK if keyword.iskeyword(text) else text
    if keyword.iskeyword(text) and text not in _WORDS:
        raise ExpressionSyntaxError(f"{text!r} is not part of the language", position=position)
    return text


def _escaped(text: str, position: int) -> str:
    r"""Return the literal with unknown escapes such as `\d` doubled: what Python does, without its warning."""
    if "\\" not in text:
        return text
    if _OCTAL_TOO_LARGE.search(text):
        raise ExpressionSyntaxError("this text has an octal escape that is too large", position=position)
    return _ESCAPE.sub(lambda found: _escape(found, position), text)


def _escape(found: re.Match[str], position: int) -> str:
    if found.group(1) == "N":
        raise ExpressionSyntaxError(r"\N{...} is not part of the language", position=position)
    return found.group() if found.group(1) in _KNOWN_ESCAPES else "\\" + found.group()


def _unreadable(source: str, position: int) -> ExpressionSyntaxError:
    character = source[position]
    if character in {'"', "'"}:
        return ExpressionSyntaxError("this text is never closed", position=position)
    if character.isalpha():
        message = f'names are made of ASCII letters; write ["..."] for a key with {character!r}'
        return ExpressionSyntaxError(message, position=position)
    return ExpressionSyntaxError(f"{character!r} is not part of the language", position=position)
