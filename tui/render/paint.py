"""Paints a layout, or a window onto it, with the states that its nodes have now."""

from __future__ import annotations

from collections.abc import Mapping

from tui.render.canvas import Box, Line, Row
from tui.render.charset import DOWN, LEFT, RIGHT, UNICODE, UP, Charset, heavy
from tui.render.faces import draw_frame, draw_node
from tui.render.layout import Layout, Note, Wire
from tui.render.model import EACH, Edge
from tui.render.states import FAILED, MAIN, NO_STATE, UNTOUCHED, NodeState
from tui.render.text import same_width

_RANK = ("edge", "edge.error", "edge.taken", "edge.error.taken")
_TAKEN = 2
"""The first of these ranks that is drawn heavily."""


def paint(
    layout: Layout,
    states: Mapping[str, NodeState],
    crop: Box | None = None,
    selected: str | None = None,
    charset: Charset = UNICODE,
) -> list[Row]:
    """The rows of the crop, each exactly as wide; outside the picture they are blank. None is the whole picture."""
    window = crop or Box(0, 0, layout.width, layout.height)
    painter = _Painter(layout, states, selected, charset)
    return [painter.row(y, window) for y in range(window.y, window.bottom)]


class _Painter:
    def __init__(self, layout: Layout, states: Mapping[str, NodeState], selected: str | None, charset: Charset) -> None:
        self._layout, self._states, self._selected, self._charset = layout, states, selected, charset
        self._roles: dict[int, int] = {}
        """The ranks of bundles of edges, which the layout keeps alive, by identity."""
        self._ranks: dict[int, int] = {}
        self._failing = {edge.source for edge in layout.graph.edges if edge.error}

    def row(self, y: int, window: Box) -> Row:
        """One row of the window."""
        line = Line(window.x, window.width)
        if 0 <= y < self._layout.height:
            arms = self._lines(line, y)
            for loop in self._layout.row_regions[y]:
                state = self._states.get(loop, NO_STATE)
                draw_frame(line, y, self._layout, loop, state, self._charset, arms, marked=loop == self._selected)
            self._notes(line, y)
            for node in self._layout.row_boxes[y]:
                box = self._layout.boxes[node]
                if box.x < window.right and window.x < box.right and node not in self._layout.regions:
                    state = self._states.get(node, NO_STATE)
                    draw_node(line, y, self._layout, node, state, self._charset, arms, marked=node == self._selected)
        return line.row()

    def _lines(self, line: Line, y: int) -> dict[int, int]:
        """Draw the lines of a row; give where they touch what is drawn over them, by column."""
        first, last = line.left, line.left + line.width - 1
        across: dict[int, tuple[int, Wire]] = {}
        along: dict[int, tuple[int, Wire]] = {}
        for number in self._layout.row_wires[y]:
            wire = self._layout.wires[number]
            if wire.x1 < first or wire.x0 > last:
                continue
            if wire.y0 == wire.y1:
                for x in range(max(wire.x0, first), min(wire.x1, last) + 1):
                    self._cross(across, x, (x > wire.x0) * LEFT | (x < wire.x1) * RIGHT, wire)
            else:
                self._cross(along, wire.x0, (y > wire.y0) * UP | (y < wire.y1) * DOWN, wire)
        for x, (arms, wire) in along.items():
            if x in across and (x, y) in self._layout.joints:
                # A joint is drawn as the stronger of its lines.
                stronger = max(wire, across[x][1], key=self._rank)
                self._cell(line, x, arms | across[x][0], stronger)
                if (x, y) in self._layout.merges:
                    merge = self._charset.merges[not self._layout.merges[x, y]]
                    line.put(x, merge, _RANK[self._rank(stronger)])
            else:
                self._cell(line, x, arms, wire)
        for x, (arms, wire) in across.items():
            if x not in along:
                self._cell(line, x, arms, wire)
        return {x: arms for x, (arms, _) in across.items()}

    def _cross(self, found: dict[int, tuple[int, Wire]], x: int, arms: int, wire: Wire) -> None:
        if self._rank(wire) >= _TAKEN:
            arms = heavy(arms)
        before = found.get(x)
        if before is not None:
            arms |= before[0]
            wire = max(wire, before[1], key=self._rank)
        found[x] = (arms, wire)

    def _cell(self, line: Line, x: int, arms: int, wire: Wire) -> None:
        dashed = bool(wire.edges) and all(edge.error for edge in wire.edges)
        line.put(x, self._charset.line(arms, dashed=dashed), _RANK[self._rank(wire)])

    def _notes(self, line: Line, y: int) -> None:
        for note in self._layout.row_notes[y]:
            if note.text:
                text = same_width(note.text, self._charset)
                role = "port.taken" if note.role == "port" and self._rank(note) >= _TAKEN else note.role
                line.write(note.x, text, role, marked=note.node is not None and note.node == self._selected)
            else:
                line.put(note.x, self._charset.arrow, _RANK[self._rank(note)])

    def _rank(self, line: Wire | Note) -> int:
        """Of all edges in a line the one that counts most."""
        rank = self._roles.get(id(line.edges))
        if rank is None:
            rank = self._roles[id(line.edges)] = max(map(self._edge_rank, line.edges), default=0)
        return rank

    def _edge_rank(self, edge: Edge) -> int:
        rank = self._ranks.get(edge.index)
        if rank is None:
            rank = self._ranks[edge.index] = self._judge(edge)
        return rank

    def _judge(self, edge: Edge) -> int:
        taken = self._states.get(edge.source, NO_STATE).taken
        if taken is None or edge.port == EACH:
            return self._guess(edge)
        return edge.error + 2 * (edge.id in taken or (not edge.port and MAIN in taken))

    def _guess(self, edge: Edge) -> int:
        """What the states of its ends let suppose."""
        source = self._states.get(edge.source, NO_STATE).status
        reached = self._states.get(edge.target, NO_STATE).status not in UNTOUCHED
        if edge.error:
            return 3 if reached and source in FAILED else 1
        if source in FAILED:
            return 2 if reached and edge.source not in self._failing else 0
        return 2 if reached and source not in UNTOUCHED else 0
