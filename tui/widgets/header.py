"""The first line: the connection, where one is, and whom one talks to."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.widgets import Static

from tui.connection import Link
from tui.render.charset import DOWN, UP, Charset
from tui.theme import ACCENT, FAINT, MUTED, TEXT

_COLOURS = {
    Link.LIVE: "#86c08b",
    Link.CONNECTING: "#e0b567",
    Link.STALE: "#e0b567",
    Link.RECONNECTING: "#ee7a7f",
    Link.REFUSED: "#ee7a7f",
}


class Header(Static):
    """Draws itself anew only when what it says has changed."""

    def __init__(self) -> None:
        super().__init__("", id="header", markup=False)
        self._said: tuple[object, ...] = ()

    def say(self, link: Link, words: str, crumbs: list[str], context: str, note: str, *, charset: Charset) -> None:
        """Show this. `note` is the reason of a lost connection, or empty."""
        said = (link, words, tuple(crumbs), context, note, self.size.width)
        if said == self._said:
            return
        self._said = said
        dot, arrow, bar = charset.glyphs["running"], charset.arrow, charset.line(UP | DOWN)
        text = Text(no_wrap=True, overflow="crop" if charset.name == "ascii" else "ellipsis")
        text.append("flowrun ", Style(color=ACCENT, bold=True))
        text.append(f"{dot} {words}", Style(color=_COLOURS[link]))
        text.append(f" {bar} ", Style(color=FAINT))
        for place, crumb in enumerate(crumbs):
            if place:
                text.append(f" {arrow} ", Style(color=FAINT))
            text.append(crumb, Style(color=TEXT if place == len(crumbs) - 1 else MUTED))
        if note:
            text.append(f"  {note}", Style(color=_COLOURS[link]))
        right = Text(f"ctx: {context}", Style(color=MUTED))
        free = self.size.width - text.cell_len - right.cell_len
        if free >= 2:
            text.append(" " * free)
            text.append_text(right)
        self.update(text, layout=False)
