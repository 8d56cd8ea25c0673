"""The line at the bottom for commands and filters, hidden until it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Static


class CommandLine(Horizontal):
    """A prompt and an input. Enter sends, escape closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False, priority=True)]

    class Entered(Message):
        """A line was entered."""

        def __init__(self, prompt: str, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="line")
        self.display = False
        self._prompt = ":"
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        """The prompt and the input."""
        yield Static(":", id="prompt", markup=False)
        yield Input(id="entry", compact=True)

    def open(self, prompt: str, text: str, words: Sequence[str], placeholder: str = "") -> None:
        """Show the line with this text, and suggest these words."""
        if not self.display:
            self._before = self.screen.focused
        self._prompt = prompt
        self.query_one("#prompt", Static).update(prompt)
        entry = self.query_one(Input)
        entry.suggester = SuggestFromList(list(words), case_sensitive=False)
        entry.placeholder = placeholder
        entry.value = text
        entry.cursor_position = len(text)
        self.display = True
        entry.focus()

    def action_close(self) -> None:
        """Hide the line."""
        self.display = False
        if self._before is not None and self._before.is_attached:
            self._before.focus()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        text = message.value
        self.action_close()
        self.post_message(self.Entered(self._prompt, text))
