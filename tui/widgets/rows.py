"""A table that draws the lines in sight alone: rows by key, fixed widths, cursor and scroll kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import ClassVar, TypeAlias

from rich.console import OverflowMethod
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets import row_messages
from tui.widgets.cells import Column, Fitted, fitted, line_of, over
from tui.widgets.surface import bare_lines

_SECONDS_TO_SEE = 1.0
Draw = Callable[[str], Sequence[Text]]
"""The cells of a row, by its key; `KeyError` when there is no such row any more."""


class Rows(ScrollView, can_focus=True):
    """Shows rows that `draw` makes from their keys, one cell for each column."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--head",
        "rows--cursor",
        "rows--cursor-blurred",
        "rows--marked",
        "rows--hint",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "edge(0)", "first", show=False),
        Binding("end,G", "edge(1)", "last", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    Highlighted: TypeAlias = row_messages.Highlighted
    Opened: TypeAlias = row_messages.Opened
    NearEnd: TypeAlias = row_messages.NearEnd

    def __init__(
        self,
        columns: Sequence[Column],
        draw: Draw,
        *,
        empty: str = "",
        head: bool = True,
        tail: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.draw = draw
        self._empty = empty
        self.keys: list[str] = []
        self.marked: set[str] = set()
        self.tail = tail
        """Whether a cursor on the first row stays there when rows come in above."""
        self.preferred: str | None = None
        """Where the cursor begins."""
        self._places: dict[str, int] = {}
        self._cursor: str | None = None
        self._opened: str | None = None
        """The row that was opened last, which the cursor stays with until it is moved."""
        self.slipped = False
        """The row under the cursor has left, and nobody can have seen yet which one is there instead."""
        self._head = 1 if head else 0
        self._strips: dict[str, Strip] = {}
        self._wanted_at = -1
        self._drawn_width = 0
        self._ground = Style()
        self._fitted: Fitted = ()

    # --- what is shown

    @property
    def cursor(self) -> str | None:
        """The key of the row under the cursor."""
        return self._cursor

    def show(self, keys: Iterable[str], changed: Iterable[str] | None = None) -> None:
        """Show these rows in this order. `changed` names the rows to draw anew; None is all of them."""
        keys = list(keys)
        if keys == self.keys:
            self._draw_again(self._strips if changed is None else changed)
            return
        for key in list(self._strips) if changed is None else changed:
            self._strips.pop(key, None)
        before = self._places.get(self._cursor) if self._cursor is not None else None
        stays_first = self.tail and before == 0 and self.scroll_offset.y == 0 and self._cursor != self._opened
        self.keys = keys
        self._places = {key: place for place, key in enumerate(keys)}
        self._strips = {key: strip for key, strip in self._strips.items() if key in self._places}
        self.marked &= self._places.keys()
        self._wanted_at = -1
        self._resize()
        self._keep(before, stays_first=stays_first)
        self.refresh()

    def _draw_again(self, changed: Iterable[str]) -> None:
        """Draw those of the rows in sight that look different now; the others when they come into sight."""
        top, room, regions = self.scroll_offset.y, self._room(), []
        for key in list(changed):
            before = self._strips.pop(key, None)
            line = self._places.get(key, -1) - top
            if before is not None and 0 <= line < room:
                self._strips[key] = self._row(key)
                if self._strips[key] != before:
                    regions.append(Region(0, line + self._head, self.size.width, 1))
        if regions:
            self.refresh(*regions)

    def say_why_empty(self, why: str) -> None:
        """Show this in place of rows where there are none."""
        if why != self._empty:
            self._empty = why
            if not self.keys:
                self.refresh()

    def redraw(self) -> None:
        """Draw every row anew: what `draw` gives has changed."""
        self._strips.clear()
        self.refresh()

    def select(self, key: str) -> None:
        """Put the cursor on a row, without telling anyone."""
        if key in self._places and key != self._cursor:
            self._cursor = key
            self._into_sight()
            self.refresh()

    def toggle_mark(self) -> None:
        """Mark the row under the cursor or take its mark away, and go on to the next."""
        if self._cursor is not None:
            self.marked ^= {self._cursor}
            self._strips.pop(self._cursor, None)
            self.action_move(1)
            self.refresh()

    def clear_marks(self, keys: Collection[str] | None = None) -> None:
        """Take the marks of these rows away, or every mark."""
        gone = self.marked if keys is None else self.marked.intersection(keys)
        for key in gone:
            self._strips.pop(key, None)
        self.marked = self.marked - gone
        self.refresh()

    def _keep(self, before: int | None, *, stays_first: bool) -> None:
        """Keep the cursor on its row and the row where it is on the screen, whatever came in above."""
        if not self.keys:
            self._cursor = None
            return
        if self._cursor is None and self.preferred in self._places:
            self._cursor = self.preferred
            self._into_sight()
            return
        now = self._places.get(self._cursor) if self._cursor is not None else None
        if stays_first or now is None:
            if before is not None and now is None:
                self._slip()
            place = 0 if stays_first or before is None else min(before, len(self.keys) - 1)
            self._set_cursor(place)
        elif before is not None and now != before and (self.scroll_offset.y > 0 or now > before):
            self.scroll_to(y=max(0, self.scroll_offset.y + now - before), animate=False, force=True)
        self._into_sight()

    def _slip(self) -> None:
        self.slipped = True
        self.set_timer(_SECONDS_TO_SEE, self._seen)

    def _seen(self) -> None:
        self.slipped = False

    # --- moving

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self.place + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is in sight."""
        self._go(self.place + by * max(1, self._room() - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last row."""
        self._go(len(self.keys) - 1 if end else 0)

    def action_open(self) -> None:
        """Choose the row under the cursor."""
        if self._cursor is not None:
            self._opened = self._cursor
            self.post_message(self.Opened(self, self._cursor))

    @property
    def place(self) -> int:
        """Where the cursor is, from 0."""
        return self._places.get(self._cursor, 0) if self._cursor is not None else 0

    def _go(self, place: int) -> None:
        self._opened, self.slipped = None, False
        if self.keys:
            self._set_cursor(max(0, min(place, len(self.keys) - 1)))
            self._into_sight()
            self.refresh()

    def _set_cursor(self, place: int) -> None:
        key = self.keys[place]
        if key != self._cursor:
            self._cursor = key
            self.post_message(self.Highlighted(self, key))
        if place >= len(self.keys) - 10 and self._wanted_at != len(self.keys):
            self._wanted_at = len(self.keys)
            self.post_message(self.NearEnd(self, key))

    def _room(self) -> int:
        return max(1, self.size.height - self._head)

    def _into_sight(self) -> None:
        place, top, room = self.place, self.scroll_offset.y, self._room()
        if place < top:
            self.scroll_to(y=place, animate=False, force=True)
        elif place >= top + room:
            self.scroll_to(y=place - room + 1, animate=False, force=True)

    # --- the mouse

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = offset.y - self._head + self.scroll_offset.y
        if 0 <= place < len(self.keys) and offset.y >= self._head:
            self._go(place)
            if event.chain == 2:
                self.action_open()

    # --- drawing

    def on_resize(self) -> None:
        """Widths follow the size."""
        self._strips.clear()
        self._resize()
        self._into_sight()

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Colours have changed."""
        super().notify_style_update()
        self._strips.clear()

    def _resize(self) -> None:
        wanted = Size(0, len(self.keys) + self._head)
        if (
            self.show_vertical_scrollbar
            and self._drawn_width
            and min(wanted.height, self.virtual_size.height) > self.size.height
        ):
            # It scrolled before, and does now: the screen stays as it is, and isn't laid out anew for every row.
            self.set_reactive(Rows.virtual_size, wanted)
            self.vertical_scrollbar.window_virtual_size = wanted.height
        else:
            self.virtual_size = wanted

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the region; what is the same for all of them is found once."""
        width = self.scrollable_content_region.width  # Another one when a scrollbar has come or gone.
        # The background belongs to the row, and isn't laid under it afterwards: that would be a second strip of each.
        ground = Style(color=self.rich_style.color, bgcolor=self.background_colors[1].rich_color)
        if (width, ground) != (self._drawn_width, self._ground):
            self._drawn_width, self._ground = width, ground
            self._fitted = fitted(self.columns, width)
            self._strips.clear()
        if self.opacity < 1 or self.styles.gutter.totals != (0, 0):
            return super().render_lines(crop)
        return bare_lines(self, crop, ground)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What is done to every line: all but the search for colours by number, of which there are none in rows."""
        return [one for one in super().get_line_filters() if not isinstance(one, ANSIToTruecolor)]

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y < self._head:
            return self._header()
        place = y - self._head + self.scroll_offset.y
        if place >= len(self.keys):
            return self._beyond(place)
        key = self.keys[place]
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._row(key)
        if key == self._cursor:
            name = "rows--cursor" if self.has_focus else "rows--cursor-blurred"
            return over(strip, self.get_component_rich_style(name))
        if key in self.marked:
            return over(strip, self.get_component_rich_style("rows--marked"))
        return strip

    @property
    def _cut(self) -> OverflowMethod:
        """How a text that is too long ends; the sign for it is not in ASCII."""
        return "crop" if self.app.has_class("-ascii") else "ellipsis"

    def _header(self) -> Strip:
        style = self._ground + Style(color=self.get_component_rich_style("rows--head").color)
        titles = [Text(column.title) for column in self.columns]
        return line_of(titles, self._fitted, self._drawn_width, style, self._cut)

    def _beyond(self, place: int) -> Strip:
        """A line after the last row: why there is none, or nothing."""
        width = self._drawn_width
        if self.keys or place or not self._empty:
            return Strip.blank(width, self._ground)
        style = self._ground + Style(color=self.get_component_rich_style("rows--hint").color)
        return Strip([Segment(self._empty[:width], style)]).adjust_cell_length(width, self._ground)

    def _row(self, key: str) -> Strip:
        try:
            cells = self.draw(key)
        except KeyError:  # The store is ahead of what is shown: the row leaves with the next flush.
            return Strip.blank(self._drawn_width, self._ground)
        return line_of(cells, self._fitted, self._drawn_width, self._ground, self._cut)
