"""Every key, by where it works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import EXECUTION_ACTIONS
from tui.theme import ACCENT, MUTED, TEXT

Group = tuple[str, tuple[tuple[str, str], ...]]
KEYS: tuple[Group, ...] = (
    (
        "Everywhere",
        (
            ("j k", "move, as the arrows do"),
            ("g G", "first, last"),
            ("tab", "the next pane"),
            ("enter", "open"),
            ("esc", "back"),
            ("m", "maximise the pane"),
            (":", "command line"),
            ("ctrl+p", "palette"),
            ("ctrl+l", "reconnect now"),
            ("?", "this help"),
            ("q", "quit"),
        ),
    ),
    (
        "Overview",
        (
            ("/", "filter: status:failed since:2h"),
            ("n", "start a workflow"),
            ("w", "look at the workflow"),
            ("space", "mark for a command on many"),
            ("t", "stay with the newest"),
            ("y", "copy the id"),
            ("1 2 3", "overview, queues, schedules"),
        ),
    ),
    ("An execution", tuple((action.key, f"{action.label}: {action.help}") for action in EXECUTION_ACTIONS)),
    (
        "Graph and data",
        (
            ("h j k l", "the node beside, in the graph"),
            ("f", "follow the running node"),
            ("i", "the execution's own data"),
            ("c u", "the execution that it called, that called it"),
            ("+ - 0", "zoom, fit"),
            ("shift+up", "pan the graph; so does dragging it"),
            ("1 to 5", "input, output, error, logs, events"),
            ("enter", "fold or unfold"),
            ("o O", "unfold all, fold all"),
            ("/ n N", "search, next, previous"),
            ("y Y", "copy the value, its path"),
            ("[ ]", "the node before, the next"),
        ),
    ),
)
_KEY_WIDTH = 14
"""Cells: the longest title fits."""


class HelpScreen(ModalScreen[None]):
    """Closed by any of escape, q and ?."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "close", show=False),
        Binding("j", "scroll('down')", "down", show=False),
        Binding("k", "scroll('up')", "up", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Two columns where they fit, else one that scrolls."""
        wide = self.app.size.width >= 124
        halves = (KEYS[:2], KEYS[2:]) if wide else (KEYS,)
        columns = [Static(_column(groups), markup=False) for groups in halves]
        dialog = VerticalScroll(*columns, id="dialog", classes="help -wide" if wide else "help")
        dialog.border_title = Content("Keys")
        yield dialog

    def on_mount(self) -> None:
        """Keys scroll the text."""
        self.query_one("#dialog").focus()

    def action_scroll(self, way: str) -> None:
        """Scroll a line."""
        self.query_one("#dialog", VerticalScroll).scroll_relative(y=1 if way == "down" else -1, animate=False)


def _column(groups: Sequence[Group]) -> Table:
    """Titles and keys beside what they do: a text that is too long goes on under its own beginning."""
    column = Table.grid()
    column.add_column(width=_KEY_WIDTH, no_wrap=True)
    column.add_column()
    for title, keys in groups:
        column.add_row(Text(title, Style(color=ACCENT, bold=True)), "")
        for key, what in keys:
            column.add_row(Text(f"  {key}", Style(color=TEXT)), Text(what, Style(color=MUTED)))
        column.add_row("", "")
    return column
