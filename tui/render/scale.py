"""How large nodes and the spaces between them are at each zoom."""

from __future__ import annotations

from dataclasses import dataclass

from tui.render.layout import Zoom
from tui.render.model import Node
from tui.render.text import cells, clip, safe

LONGEST_PORT = 16
LOOP_COUNT = 10
"""Cells kept free in a frame's title for how far the loop is."""
DETAIL = 10
"""Cells kept free in a box for how long the node took."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The measures of one zoom, in cells."""

    zoom: Zoom
    longest: int
    """Columns of a node's label at most."""
    lead: int
    """Columns of line after a node."""
    spacing: int
    """Columns from one vertical line to the next."""
    tail: int
    """Columns of line before a node, the arrow among them."""
    gap: int
    """Free rows between nodes."""
    above: int
    """Rows of a node above that of its name."""
    below: int

    def label(self, node: Node) -> str:
        """What a node is called; short forms use its id, which logs and expressions use too."""
        if self.zoom is Zoom.GLYPH:
            return ""
        return clip(safe(node.name if self.zoom is Zoom.FULL else node.id), self.longest)

    def width(self, node: Node, suffix: int) -> int:
        """Columns of a node with its label, `suffix` columns of further text among them."""
        label = cells(self.label(node))
        if self.zoom is Zoom.GLYPH:
            return 1
        if self.zoom is Zoom.FULL:
            return 4 + max(label + 2 + suffix, cells(safe(node.type)[: self.longest]) + DETAIL)
        return label + 4 + suffix

    def title(self, node: Node) -> int:
        """Columns that the frame of a loop takes at least."""
        if self.zoom is Zoom.GLYPH:
            return 8
        return cells(self.label(node)) + LOOP_COUNT + 9

    def port(self, port: str) -> str:
        """How an edge's port is written at it; empty when it isn't."""
        return "" if self.zoom is Zoom.GLYPH else clip(safe(port), LONGEST_PORT)


SCALES = {
    Zoom.FULL: Scale(Zoom.FULL, longest=28, lead=1, spacing=2, tail=2, gap=0, above=1, below=2),
    Zoom.COMPACT: Scale(Zoom.COMPACT, longest=24, lead=1, spacing=2, tail=2, gap=0, above=0, below=0),
    Zoom.GLYPH: Scale(Zoom.GLYPH, longest=0, lead=1, spacing=1, tail=1, gap=0, above=0, below=0),
}
