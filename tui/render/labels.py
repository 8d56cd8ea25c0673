"""Puts the ports of edges next to their lines, where a stretch of line belongs to that port alone."""

from __future__ import annotations

from tui.render.layout import Layout, Note, Wire
from tui.render.model import Edge
from tui.render.routing import label_of
from tui.render.scale import Scale
from tui.render.text import cells


def place_labels(layout: Layout, scale: Scale) -> None:
    """Add a note for every port that there is room for."""
    standing: dict[int, set[int]] = {}
    for wire in layout.wires:
        if wire.x0 == wire.x1:
            for y in range(wire.y0, wire.y1 + 1):
                standing.setdefault(y, set()).add(wire.x0)
    heads = {(arrow.x, arrow.y) for arrow in layout.arrows}
    labelled: set[Edge] = set()
    for wire in layout.wires:
        if wire.y0 != wire.y1 or not wire.edges:
            continue
        label = label_of(wire.edges, scale)
        if not label or labelled.issuperset(wire.edges):
            continue
        x = _free(wire, cells(label), standing.get(wire.y0, set()), heads)
        if x is not None:
            role = "port.error" if all(edge.error for edge in wire.edges) else "port"
            layout.notes.append(Note(x, wire.y0, label, role, wire.edges))
            labelled.update(wire.edges)


def _free(wire: Wire, length: int, standing: set[int], heads: set[tuple[int, int]]) -> int | None:
    """The first column from which on the label and a cell on each side cover nothing but the line."""
    end = wire.x1 - 1 if (wire.x1 - 1, wire.y0) in heads else wire.x1
    run = 0
    for x in range(wire.x0 + 1, end):
        run = 0 if x in standing else run + 1
        if run == length + 2:
            return x - length
    return None
