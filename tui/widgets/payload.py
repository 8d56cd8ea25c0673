"""Somebody's JSON: folded, searched, copied; only the lines in sight are made."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.look import MARK, segments, style
from tui.render.charset import Charset
from tui.render.json_view import JsonView
from tui.widgets.surface import on_background


class Payload(ScrollView, can_focus=True):
    """Shows one JSON value, or a word on why there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "edge(0)", "first", show=False),
        Binding("end,G", "edge(1)", "last", show=False),
        Binding("enter,space", "fold", "fold", show=False),
        Binding("o", "open_all", "unfold all", show=False),
        Binding("O", "close_all", "fold all", show=False),
        Binding("slash", "search", "search", show=False),
        Binding("n", "next(False)", "next", show=False),
        Binding("N", "next(True)", "previous", show=False),
        Binding("y", "copy", "copy the value", show=False),
        Binding("Y", "copy_path", "copy the path", show=False),
    ]

    class Search(Message):
        """A text to look for is wanted."""

    class Copied(Message):
        """Something is to be copied."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    def __init__(self, charset: Charset, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._charset = charset
        self._view: JsonView | None = None
        self._value: object = None
        self._word = ""
        self._line = 0
        self._found: str | None = None

    # --- what is shown

    def show(self, value: object) -> None:
        """Show a value; the same one keeps its folds."""
        if self._view is not None and value == self._value:
            return
        self._value, self._word = value, ""
        self._view = JsonView(value, charset=self._charset)
        self._line = 0
        self._resize()

    def say(self, word: str) -> None:
        """Show a word instead."""
        if self._view is None and word == self._word:
            return
        self._view, self._value, self._word, self._line = None, None, word, 0
        self._resize()

    def search(self, text: str) -> bool:
        """Go to the next line that has the text; gives whether there is one."""
        self._found = text or None
        return self._next(backwards=False)

    def _next(self, *, backwards: bool) -> bool:
        if self._view is None or self._found is None:
            return False
        line = self._view.find(self._found, self._line + (-1 if backwards else 1), backwards=backwards)
        if line is None:
            self.refresh()
            return False
        self._line = line
        self._resize()
        self._into_sight()
        return True

    # --- keys

    def action_move(self, by: int) -> None:
        """Move the line."""
        self._go(self._line + by)

    def action_page(self, by: int) -> None:
        """Move by what is in sight."""
        self._go(self._line + by * max(1, self.size.height - 1))

    def action_edge(self, end: int) -> None:
        """Go to the first or the last line."""
        self._go(self._height() - 1 if end else 0)

    def action_fold(self) -> None:
        """Fold or unfold."""
        if self._view is not None and self._view.toggle(self._line):
            self._resize()

    def action_open_all(self) -> None:
        """Unfold everything."""
        if self._view is not None:
            self._view.open_all()
            self._resize()

    def action_close_all(self) -> None:
        """Fold everything."""
        if self._view is not None:
            self._view.close_all()
            self._line = 0
            self._resize()

    def action_search(self) -> None:
        """Ask for the text to look for."""
        self.post_message(self.Search())

    def action_next(self, backwards: bool) -> None:
        """Go to the next line with the text."""
        self._next(backwards=backwards)

    def action_copy(self) -> None:
        """Copy the value at the line."""
        if self._view is not None:
            value: Any = self._view.value(self._line)
            text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
            self.post_message(self.Copied(text, self._view.path(self._line) or "the value"))

    def action_copy_path(self) -> None:
        """Copy where the line is."""
        if self._view is not None:
            self.post_message(self.Copied(self._view.path(self._line), "the path"))

    def on_click(self, event: events.Click) -> None:
        """Go to the line under the mouse, and fold it."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < self._height():
            self._go(offset.y + self.scroll_offset.y)
            self.action_fold()

    # --- drawing

    def on_resize(self) -> None:
        """The scrollbar follows."""
        self._resize()

    def on_focus(self) -> None:
        """The line is marked with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The line is not marked without the focus."""
        self.refresh()

    def _height(self) -> int:
        return 1 if self._view is None else self._view.height

    def _resize(self) -> None:
        self.virtual_size = Size(0, self._height())
        self._line = max(0, min(self._line, self._height() - 1))
        self.refresh()

    def _go(self, line: int) -> None:
        self._line = max(0, min(line, self._height() - 1))
        self._into_sight()
        self.refresh()

    def _into_sight(self) -> None:
        top, room = self.scroll_offset.y, max(1, self.size.height)
        if self._line < top:
            self.scroll_to(y=self._line, animate=False, force=True)
        elif self._line >= top + room:
            self.scroll_to(y=self._line - room + 1, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        return on_background(self, self._line_at(y))

    def _line_at(self, y: int) -> Strip:
        width, line = self.size.width, y + self.scroll_offset.y
        if self._view is None:
            return Strip([Segment(self._word[:width] if line == 0 else "", style("hint"))]).adjust_cell_length(width)
        if line >= self._view.height:
            return Strip.blank(width)
        rows = self._view.lines(line, 1, width, found=self._found)
        strip = Strip(segments(rows[0])).adjust_cell_length(width) if rows else Strip.blank(width)
        if self.has_focus and line == self._line:
            return strip.apply_style(style_of_cursor())
        return strip


def style_of_cursor() -> Any:  # noqa: ANN401
    """The background of the line that keys act on."""
    return type(MARK)(bgcolor="#243248")
