"""When each node ran: one line for a node, however often it ran, over one axis of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.look import plain, state, text_of, utc_now
from tui.render.charset import Charset
from tui.render.timeline import Window, axis, full_window, label_width_of, timeline
from tui.theme import MUTED
from tui.widgets.cells import Column
from tui.widgets.rows import Rows

_WIDEST_NAME = 16
Run = Mapping[str, Any]


class Timeline(Vertical):
    """Its rows are keyed by node."""

    def __init__(self, charset: Charset) -> None:
        super().__init__()
        self._charset = charset
        self._runs: dict[str, list[Run]] = {}
        self._window: Window | None = None
        self._label = 0
        self._now = utc_now()

    def compose(self) -> ComposeResult:
        """The rows over their axis."""
        yield Rows([Column("")], self._bar, head=False, empty="nothing has run yet", id="run-rows")
        yield Static("", id="axis", markup=False)

    def show(self, runs: Iterable[Run], now: datetime) -> None:
        """Show these node runs."""
        self._runs, self._now, begun = {}, now, []
        for run in runs:
            self._runs.setdefault(str(run["node_id"]), []).append(run)
            if run.get("started_at") or run.get("queued_at"):
                begun.append(run)
        self._window = full_window(begun, now) if begun else None
        self._measure()
        self.query_one(Rows).show(self._runs)

    def on_resize(self) -> None:
        """It has come into sight, or has more or less room now."""
        self._measure()
        self.query_one(Rows).redraw()

    def _measure(self) -> None:
        """Find the room for names, and draw the axis."""
        width = self.query_one(Rows).scrollable_content_region.width
        self._label = min(_WIDEST_NAME, label_width_of({key: len(found) for key, found in self._runs.items()}, width))
        if self._window is not None and width > self._label + 4:
            line = axis(self._window, width, self._charset, self._label)
            self.query_one("#axis", Static).update(text_of(line), layout=False)

    def select(self, node: str) -> None:
        """Put the cursor on a node."""
        self.query_one(Rows).select(node)

    def _bar(self, key: str) -> Sequence[Text]:
        runs = self._runs[key]
        width = max(self._label + 4, self.query_one(Rows).scrollable_content_region.width)
        drawn = timeline(runs, width, self._now, window=self._window, charset=self._charset, label_width=self._label)
        if drawn:
            return [text_of(drawn[0].row)]
        name = plain(f" {key}", self._charset, MUTED)  # Nothing has reached it yet.
        return [state(str(runs[0]["status"]), self._charset).append_text(name)]
