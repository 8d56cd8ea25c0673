"""A look into an execution: its state, its error, and its nodes as a small timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.look import elapsed, plain, state, text_of, time_of_day, utc_now
from tui.render.charset import Charset
from tui.render.timeline import timeline
from tui.theme import MUTED, STATE_COLOURS, TEXT

Document = dict[str, Any]
_MOST_ROWS = 60


class Preview(VerticalScroll, can_focus=True):
    """Shows one execution in a few lines."""

    def __init__(self, charset: Charset) -> None:
        super().__init__()
        self._charset = charset
        self._height = 0
        self._wraps = False
        self._shown: tuple[Document, Sequence[Document]] | None = None

    def compose(self) -> Any:  # noqa: ANN401
        """One text."""
        yield Static("", id="preview-text", markup=False)

    def show(self, execution: Document | None, runs: Sequence[Document]) -> None:
        """Show this execution, or nothing."""
        self._shown = None if execution is None else (execution, runs)
        self._draw()

    def tick(self) -> None:
        """Time has passed: what goes on has lasted longer."""
        if self._shown is not None and not self._shown[0].get("finished_at"):
            self._draw()

    def on_resize(self) -> None:
        """The timeline follows the width."""
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        text = self.query_one("#preview-text", Static)
        if self._shown is None:
            text.update("")
            self._height = 0
            return
        execution, runs = self._shown
        lines = [*self._facts(execution), Text("", no_wrap=True)]
        width = max(20, self.size.width - 2)
        lines += [
            text_of(row.row) for row in timeline(list(runs)[:_MOST_ROWS], width, utc_now(), charset=self._charset)
        ]
        # A new layout of the screen costs more than the text: only another height needs it.
        text.update(Text("\n").join(lines), layout=len(lines) != self._height or self._wraps)
        self._height, self._wraps = len(lines), any(not line.no_wrap for line in lines)

    def _facts(self, execution: Document) -> list[Text]:
        charset, now = self._charset, utc_now()
        status = str(execution["status"])
        facts = [
            ("status", state(status, charset, words=True)),
            ("version", plain(execution.get("version"), charset)),
            ("trigger", plain(execution.get("trigger_type") or "", charset)),
            ("by", plain(execution.get("triggered_by") or "", charset)),
            ("start", plain(time_of_day(execution.get("created_at"), now), charset)),
            ("took", plain(elapsed(execution.get("started_at"), execution.get("finished_at"), now), charset)),
            ("reason", plain(execution.get("reason") or "", charset)),
        ]
        lines = [
            Text(name.ljust(9), Style(color=MUTED), no_wrap=True).append_text(value)
            for name, value in facts
            if value.plain
        ]
        error = execution.get("error")
        if isinstance(error, dict):
            where = f"{error['node_id']}: " if error.get("node_id") else ""
            told = plain(f"{where}{error.get('message', '')}"[:400], charset, STATE_COLOURS["failed"])
            told.no_wrap = False
            lines += [Text("", no_wrap=True), told]
        return lines or [Text("", Style(color=TEXT))]
