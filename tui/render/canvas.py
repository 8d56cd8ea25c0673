"""Rows of styled runs, and the cells that they are collected from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import get_character_cell_size

SPACE = "space"


class Run(NamedTuple):
    """Text of one style. Its role is a name that a theme turns into a colour."""

    text: str
    role: str
    marked: bool = False
    """Belongs to what is selected."""


Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of cells; `right` and `bottom` are the first ones outside."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height

    def contains(self, x: int, y: int) -> bool:
        """Whether the cell is inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def overlaps(self, other: Box) -> bool:
        """Whether they share a cell."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def moved(self, dx: int, dy: int) -> Box:
        """The same elsewhere."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)


def row_text(row: Row) -> str:
    """The row without its styles."""
    return "".join(run.text for run in row)


class Line:
    """The cells of one row from column `left` on; what is written outside them is cut off."""

    def __init__(self, left: int, width: int) -> None:
        self.left = left
        self.width = width
        self._cells: list[tuple[str, str, bool]] = [(" ", SPACE, False)] * width

    def put(self, x: int, char: str, role: str, *, marked: bool = False) -> None:
        """Write a character of one cell."""
        place = x - self.left
        if 0 <= place < self.width:
            self._cells[place] = (char, role, marked)

    def write(self, x: int, text: str, role: str, *, marked: bool = False) -> int:
        """Write text, give the column after it. A wide character that is cut in half becomes a space."""
        for char in text:
            size = get_character_cell_size(char)
            place = x - self.left
            if size == 0:
                self._combine(place, char)
            elif size == 1:
                self.put(x, char, role, marked=marked)
            else:
                whole = place >= 0 and place + 1 < self.width
                self.put(x, char if whole else " ", role, marked=marked)
                self.put(x + 1, "" if whole else " ", role, marked=marked)
            x += size
        return x

    def _combine(self, place: int, mark: str) -> None:
        before = place - 1
        if 0 < place <= self.width and self._cells[before][0] == "":
            before -= 1
        if 0 <= before < self.width:
            char, role, marked = self._cells[before]
            self._cells[before] = (char + mark, role, marked)

    def row(self) -> Row:
        """The cells, neighbours of one style joined."""
        runs: list[Run] = []
        text: list[str] = []
        style: tuple[str, bool] = ("", False)
        for char, role, marked in self._cells:
            if (role, marked) != style:
                if text:
                    runs.append(Run("".join(text), *style))
                text, style = [], (role, marked)
            text.append(char)
        if text:
            runs.append(Run("".join(text), *style))
        return tuple(runs)
