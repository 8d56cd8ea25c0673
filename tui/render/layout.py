"""Where everything is: the result of laying a graph out, ready to be painted in any state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from tui.render.canvas import Box
from tui.render.model import Edge, Graph


class Zoom(Enum):
    """How much of a node is drawn."""

    FULL = "full"
    COMPACT = "compact"
    GLYPH = "glyph"
    TREE = "tree"
    """One node a line, for graphs that are a thicket otherwise."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A straight piece of line from the middle of one cell to the middle of another, to the right or down."""

    x0: int
    y0: int
    x1: int
    y1: int
    edges: tuple[Edge, ...]
    """The edges that run through it; none for what only shows where things belong."""

    def moved(self, dx: int, dy: int) -> Wire:
        """The same elsewhere."""
        return Wire(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy, self.edges)


@dataclass(frozen=True, slots=True)
class Note:
    """Text of the layout itself: an edge's port, an arrow's head, a reference."""

    x: int
    y: int
    text: str
    role: str
    edges: tuple[Edge, ...] = ()
    node: str | None = None
    """What it refers to."""

    def moved(self, dx: int, dy: int) -> Note:
        """The same elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(slots=True)
class Layout:
    """Positions of nodes, frames, lines and texts; cells are counted from the top left."""

    graph: Graph
    zoom: Zoom
    width: int = 0
    height: int = 0
    boxes: dict[str, Box] = field(default_factory=dict)
    """The cells of each node; of a loop with a frame those of the frame's title."""
    regions: dict[str, Box] = field(default_factory=dict)
    """The frames of loops."""
    wires: list[Wire] = field(default_factory=list)
    joints: set[tuple[int, int]] = field(default_factory=set)
    """Cells where lines meet; everywhere else they cross."""
    merges: dict[tuple[int, int], bool] = field(default_factory=dict)
    """Joints at which a branch of one node comes into the line of another: from above, or from below."""
    notes: list[Note] = field(default_factory=list)
    arrows: list[Note] = field(default_factory=list)
    returns: dict[str, str] = field(default_factory=dict)
    """Nodes with an edge back to where it came from, which is named after their label."""
    dense: bool = False
    """Too many lines to be read: a tree says more."""
    row_wires: list[list[int]] = field(default_factory=list)
    """For each row the wires in it, by their place in `wires`."""
    row_boxes: list[list[str]] = field(default_factory=list)
    row_regions: list[list[str]] = field(default_factory=list)
    row_notes: list[list[Note]] = field(default_factory=list)

    def add(self, other: Layout, dx: int, dy: int) -> None:
        """Put another layout into this one."""
        self.boxes.update((node, box.moved(dx, dy)) for node, box in other.boxes.items())
        self.regions.update((node, box.moved(dx, dy)) for node, box in other.regions.items())
        self.wires.extend(wire.moved(dx, dy) for wire in other.wires)
        self.joints.update((x + dx, y + dy) for x, y in other.joints)
        self.merges.update(((x + dx, y + dy), above) for (x, y), above in other.merges.items())
        self.notes.extend(note.moved(dx, dy) for note in other.notes)
        self.arrows.extend(arrow.moved(dx, dy) for arrow in other.arrows)
        self.dense = self.dense or other.dense

    def index(self) -> None:
        """Sort everything by row, for painting."""
        self.row_wires = [[] for _ in range(self.height)]
        self.row_boxes = [[] for _ in range(self.height)]
        self.row_regions = [[] for _ in range(self.height)]
        self.row_notes = [[] for _ in range(self.height)]
        for number, wire in enumerate(self.wires):
            for y in range(wire.y0, wire.y1 + 1):
                self.row_wires[y].append(number)
        for places, boxes in ((self.row_boxes, self.boxes), (self.row_regions, self.regions)):
            for node, box in boxes.items():
                for y in range(box.y, box.bottom):
                    places[y].append(node)
        for note in (*self.arrows, *self.notes):
            self.row_notes[note.y].append(note)

    def node_at(self, x: int, y: int) -> str | None:
        """The node whose cells these are; anywhere in a loop's frame the loop."""
        if not 0 <= y < self.height:
            return None
        for node in self.row_boxes[y]:
            if self.boxes[node].contains(x, y):
                return node
        for note in self.row_notes[y]:
            if note.node is not None and note.x <= x < note.x + len(note.text):
                return note.node
        around = [node for node in self.row_regions[y] if self.regions[node].contains(x, y)]
        return min(around, key=lambda node: self.regions[node].width, default=None)

    def beside(self, node: str, direction: str) -> str | None:
        """The next node to the `left`, `right`, `up` or `down`: along an edge if there is one, else the nearest."""
        here = self.boxes.get(node)
        if here is None:
            return None
        linked: set[str] = set()
        if direction in {"left", "right"}:
            for edge in self.graph.edges:
                if node in {edge.source, edge.target}:
                    linked |= {edge.source, edge.target}
        best: tuple[bool, int, str] | None = None
        for other, box in self.boxes.items():
            along, across = _away(here, box, direction)
            if other != node and along > 0:
                candidate = (other not in linked, along + 3 * across, other)
                best = min(best or candidate, candidate)
        return best[2] if best else None


def _away(here: Box, there: Box, direction: str) -> tuple[int, int]:
    """How far another box is in a direction, and how far off to its side."""
    down = (there.y + there.height // 2) - (here.y + here.height // 2)
    if direction in {"up", "down"}:
        apart = max(there.x - here.right + 1, here.x - there.right + 1, 0)
        return (down if direction == "down" else -down) * 2, apart
    return (there.x - here.x if direction == "right" else here.x - there.x), abs(down)
