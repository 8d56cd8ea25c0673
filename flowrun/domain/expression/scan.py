"""Finds `{{ expression }}` in text, respecting the text and braces inside an expression."""

from __future__ import annotations

from dataclasses import dataclass

from flowrun.domain.expression.errors import ExpressionSyntaxError
from flowrun.domain.expression.tokens import MAX_SOURCE, TOKEN

OPEN = "{{"
CLOSE = "}}"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text: plain text, or the source of an expression and the column where it begins."""

    text: str
    is_expression: bool
    position: int


def is_template(text: str) -> bool:
    """Return whether a text holds `{{`, and so is no plain text."""
    return OPEN in text


def segments(text: str) -> list[Segment]:
    """Split a text into plain parts and expressions; raises ExpressionSyntaxError when one is never closed."""
    found: list[Segment] = []
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        if start > position:
            found.append(Segment(text[position:start], is_expression=False, position=position))
        end = _end_of_expression(text, start)
        found.append(Segment(text[start + 2 : end], is_expression=True, position=start + 2))
        position = end + 2
    if position < len(text):
        found.append(Segment(text[position:], is_expression=False, position=position))
    return found


def whole(text: str) -> Segment | None:
    """Return the expression that is all there is in a text but for white space around it; None otherwise."""
    start = len(text) - len(text.lstrip())
    if not text.startswith(OPEN, start):
        return None
    end = _end_of_expression(text, start)
    if end + 2 != len(text.rstrip()):
        return None
    return Segment(text[start + 2 : end], is_expression=True, position=start + 2)


def as_expression(text: str) -> str:
    """Return the source of a param that is an expression, written with or without `{{ }}`."""
    try:
        segment = whole(text)
    except ExpressionSyntaxError:
        # The compiler names the mistake; an unclosed {{ is not valid without the braces either.
        segment = None
    return (segment.text if segment else text).strip()


def _end_of_expression(text: str, start: int) -> int:
    """Return where the `}}` is that ends the expression opened at `start`."""
    position, depth = start + 2, 0
    last = min(len(text), position + MAX_SOURCE + 1)
    while position < last:
        if depth == 0 and text.startswith(CLOSE, position):
            return position
        character = text[position]
        if character == "{":
            depth += 1
        elif character == "}":
            depth = max(0, depth - 1)
        token = TOKEN.match(text, position, last)
        if token is None and character in {'"', "'"}:
            raise ExpressionSyntaxError("this text is never closed", position=position)
        position = token.end() if token else position + 1
    if last < len(text):
        raise ExpressionSyntaxError(f"no }}}} follows this {{{{ within {MAX_SOURCE} characters", position=start)
    raise ExpressionSyntaxError("this {{ is never closed", position=start)
