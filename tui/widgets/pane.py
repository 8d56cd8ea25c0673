"""A framed part of a screen with a title; the frame takes the accent with the focus."""

from __future__ import annotations

from typing import Self

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


class Pane(Vertical):
    """Titles are plain text: what looks like markup in them is shown as it is."""

    def __init__(self, *children: Widget, id: str, title: str = "", classes: str = "") -> None:  # noqa: A002
        super().__init__(*children, id=id, classes=f"pane {classes}".strip())
        self._named: tuple[str, str] | None = None
        self._naming = False
        self.name_it(title)

    def name_it(self, title: str, hint: str = "") -> None:
        """Set the title at the top left, and the hint at the bottom right."""
        if (title, hint) != self._named:  # Setting a title draws the frame anew.
            self._named = (title, hint)
            self._naming = True
            self.border_title = Content(title)
            self.border_subtitle = Content(hint)
            self._naming = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw it anew; with a new title the lines that titles are in, not what the frame is around."""
        if self._naming:
            regions = (self._line(0), self._line(self.outer_size.height - 1))
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _line(self, y: int) -> Region:
        """A line of the whole pane, as its content counts."""
        gutter = self.gutter
        return Region(-gutter.left, y - gutter.top, self.outer_size.width, 1)
