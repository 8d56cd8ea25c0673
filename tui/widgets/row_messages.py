"""What a table tells the screen of one of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tui.widgets.rows import Rows


class OfRow(Message):
    """Something about one row."""

    def __init__(self, rows: Rows, key: str) -> None:
        super().__init__()
        self.rows = rows
        self.key = key

    @property
    def control(self) -> Rows:
        """The table, for `@on` selectors."""
        return self.rows


class Highlighted(OfRow):
    """The cursor is on this row now."""


class Opened(OfRow):
    """The row was chosen: enter, or a double click."""


class NearEnd(OfRow):
    """The cursor is near the last row; more may be wanted."""
