"""Columns of a fixed width, and a line of cells in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rich.console import OverflowMethod
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

GAP = 2
"""Cells between columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column; a width of 0 takes what the others leave, at least `least` cells."""

    title: str
    width: int = 0
    align: Literal["left", "right"] = "left"
    least: int = 0
    drop: int = 0
    """Below this width of the whole table the column is left out."""


def background_of(style: Style) -> Style:
    """The background alone of a style."""
    return Style(bgcolor=style.bgcolor)


def line_of(cells: Sequence[tuple[Text, Column, int]], width: int, base: Style, cut: OverflowMethod) -> Strip:
    """One line of cells, each within its room."""
    segments: list[Segment] = []
    for place, (text, column, room) in enumerate(cells):
        if place:
            segments.append(Segment(" " * GAP, base))
        segments += _cell(text, column, room, base, cut)
    return Strip(segments).adjust_cell_length(width, base)


def _cell(text: Text, column: Column, room: int, base: Style, cut: OverflowMethod) -> list[Segment]:
    shown = text.copy()
    shown.no_wrap, shown.end = True, ""
    shown.truncate(room, overflow=cut)
    free = room - shown.cell_len
    if free > 0:
        shown.pad_left(free) if column.align == "right" else shown.pad_right(free)
    return _segments(shown, base)


def _segments(text: Text, base: Style) -> list[Segment]:
    """The text's pieces with their styles, all of them `Style` objects."""
    plain = text.plain
    marks = sorted({0, len(plain), *(span.start for span in text.spans), *(span.end for span in text.spans)})
    found = []
    for begin, end in pairwise(marks):
        style = base + text.style if isinstance(text.style, Style) else base
        for span in text.spans:
            if span.start <= begin and span.end >= end and isinstance(span.style, Style):
                style += span.style
        found.append(Segment(plain[begin:end], style))
    return found
