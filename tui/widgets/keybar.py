"""The last line: what can be done here, by key or by mouse; what can't is dimmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static

from tui.theme import ACCENT, FAINT, MUTED


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One entry: the key, its word, the action it stands for, and why that is not possible now."""

    key: str
    label: str
    action: str
    reason: str | None = None


class KeyBar(Static):
    """Shows the hints that there is room for."""

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__("", id="keys", markup=False)
        self._hints: tuple[KeyHint, ...] = ()
        self._spans: list[tuple[int, int, KeyHint]] = []

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show these."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self._draw()

    def on_resize(self) -> None:
        """Another width has room for other hints."""
        self._draw()

    def _draw(self) -> None:
        text, self._spans = Text(" ", no_wrap=True, overflow="crop"), []
        # `?` stands at the end of the line and is never the one to go.
        room = self.size.width - 4
        for hint in self._hints:
            width = len(hint.key) + len(hint.label) + 3
            if hint.action != "help" and text.cell_len + width > room:
                continue
            begin = text.cell_len
            dim = hint.reason is not None
            text.append(hint.key, Style(color=FAINT if dim else ACCENT, bold=not dim))
            text.append(f" {hint.label}" if hint.label else "", Style(color=FAINT if dim else MUTED, strike=False))
            self._spans.append((begin, text.cell_len, hint))
            text.append("  ")
        self.update(text, layout=False)

    def on_click(self, event: events.Click) -> None:
        """Do what the hint under the mouse says."""
        for begin, end, hint in self._spans:
            if begin <= event.x < end:
                self.post_message(self.Pressed(hint.action))
