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


Fitted = Sequence[tuple[int, Column, int]]
"""The columns that are shown: the place of each among all, and its room in cells."""


def fitted(columns: Sequence[Column], width: int) -> Fitted:
    """Those of the columns that a table of this width has room for."""
    shown = [(place, column) for place, column in enumerate(columns) if width >= column.drop]
    while _needed(shown) > width and any(column.drop for _, column in shown):
        # A column that is cut at the edge shows something else than what is in it.
        shown.remove(max(shown, key=lambda one: one[1].drop))
    flexible = [column for _, column in shown if column.width == 0]
    rest = width - sum(column.width for _, column in shown) - GAP * (len(shown) - 1)
    share = max(0, rest) // len(flexible) if flexible else 0
    return [(place, column, column.width or max(share, column.least)) for place, column in shown]


def _needed(shown: Sequence[tuple[int, Column]]) -> int:
    return sum(column.width or column.least for _, column in shown) + GAP * (len(shown) - 1)


def line_of(cells: Sequence[Text], columns: Fitted, width: int, base: Style, cut: OverflowMethod) -> Strip:
    """One line of cells, each within its room. There is one for every column, shown or not."""
    # In a flood every line in sight is drawn anew with each paint: no `Text` is copied, and one strip is made.
    segments: list[Segment] = []
    length = 0
    for place, column, room in columns:
        gap = GAP if length else 0
        segments += _cell(cells[place], column, room, gap, base, cut)
        length += gap + room
    if length < width:
        segments.append(Segment(" " * (width - length), base))
    line = Strip(segments, max(length, width))
    return line if length <= width else line.crop(0, width)


def over(strip: Strip, style: Style) -> Strip:
    """The strip on the background of the style."""
    return Strip(Segment.apply_style(strip, post_style=Style(bgcolor=style.bgcolor)), strip.cell_length)


def _cell(text: Text, column: Column, room: int, gap: int, base: Style, cut: OverflowMethod) -> list[Segment]:
    """The gap before it, the text's pieces, and what is left of the room."""
    free = room - text.cell_len
    if free < 0:
        text = text.copy()
        text.truncate(room, overflow=cut)
        free = room - text.cell_len
    before, after = (gap + free, 0) if column.align == "right" else (gap, free)
    found = _segments(text, base)
    if before:
        found.insert(0, Segment(" " * before, base))
    if after:
        found.append(Segment(" " * after, base))
    return found


def _segments(text: Text, base: Style) -> list[Segment]:
    """The text's pieces with their styles, all of them `Style` objects."""
    plain, spans = text.plain, text.spans
    style = base + text.style if isinstance(text.style, Style) else base
    if not spans:
        return [Segment(plain, style)] if plain else []
    marks = sorted({0, len(plain), *(span.start for span in spans), *(span.end for span in spans)})
    found = []
    for begin, end in pairwise(marks):
        piece = style
        for span in spans:
            if span.start <= begin and span.end >= end and isinstance(span.style, Style):
                piece += span.style
        found.append(Segment(plain[begin:end], piece))
    return found
