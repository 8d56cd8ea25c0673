"""A framed part of a screen with a title; the frame takes the accent with the focus."""

from __future__ import annotations

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget


class Pane(Vertical):
    """Titles are plain text: what looks like markup in them is shown as it is."""

    def __init__(self, *children: Widget, id: str, title: str = "", classes: str = "") -> None:  # noqa: A002
        super().__init__(*children, id=id, classes=f"pane {classes}".strip())
        self._named: tuple[str, str] | None = None
        self.name_it(title)

    def name_it(self, title: str, hint: str = "") -> None:
        """Set the title at the top left, and the hint at the bottom right."""
        if (title, hint) != self._named:  # Setting a title draws the frame anew.
            self._named = (title, hint)
            self.border_title = Content(title)
            self.border_subtitle = Content(hint)
