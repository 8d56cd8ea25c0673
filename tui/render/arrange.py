"""Lays out a graph: each loop's body for itself, within a frame that stands as one node in what is around it."""

from __future__ import annotations

from functools import cached_property
from itertools import chain

from tui.render.canvas import Box
from tui.render.channel import Channel, channel_of
from tui.render.items import Item, Layers
from tui.render.labels import place_labels
from tui.render.layers import Layering
from tui.render.layout import Layout, Note, Wire, Zoom
from tui.render.model import Graph
from tui.render.ordering import order
from tui.render.routing import Rooms, Routing, rooms_of, width_of
from tui.render.rows import Extent, rows_of
from tui.render.scale import SCALES, Scale
from tui.render.scopes import ENTRY, EXIT, bodies_of, scopes_of
from tui.render.text import cells, clip, safe

MOST_TRACKS = 14
"""Vertical lines side by side beyond which nobody can follow one."""
MOST_LANES = 3
"""Items in all layers for each node, beyond which it is a thicket too."""
_EXTENT = Extent(0, 0)


class Plan:
    """A graph in layers and in order: what all zooms have in common."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.bodies = bodies_of(graph)
        """The nodes in each loop's body."""
        self._layerings = {loop: Layering(scope) for loop, scope in scopes_of(graph).items()}
        back = [edge for one in self._layerings.values() for edge in one.returns]
        self.undrawn = frozenset(back)
        """Edges back to where they come from; a valid workflow has none of these."""
        self.returns = {edge.source: clip(safe(edge.target), 12) for edge in reversed(back)}
        """What is written after the names of their sources."""
        self.items = sum(one.items for one in self._layerings.values())
        """Nodes and pieces of lanes in all layers: what laying it out costs."""
        self.dense = self.items > MOST_LANES * (len(graph.nodes) + 50)
        """Edges skip so many layers that their lanes would be most of the picture."""

    @cached_property
    def layers(self) -> dict[str | None, Layers]:
        """The layers of each loop's body, and of all else under None."""
        layers = {loop: one.layers() for loop, one in self._layerings.items()}
        for one in layers.values():
            order(one)
        return layers


def plan_graph(graph: Graph) -> Plan:
    """Decide what stands where; takes a time about linear in nodes and edges."""
    return Plan(graph)


def arrange_layers(plan: Plan, zoom: Zoom) -> Layout:
    """Give everything a place, layer by layer."""
    arranged: dict[str, _Piece] = {}
    piece = _Piece(plan, None, SCALES[zoom], arranged)
    layout = piece.layout
    layout.dense = layout.dense or plan.dense
    layout.returns = plan.returns if zoom is not Zoom.GLYPH else {}
    place_labels(layout, SCALES[zoom])
    layout.index()
    return layout


class _Piece:
    """The layout of one scope; of a loop's body with the frame around it."""

    def __init__(self, plan: Plan, loop: str | None, scale: Scale, inner: dict[str, _Piece]) -> None:
        self._plan, self._loop, self._scale, self._inner = plan, loop, scale, inner
        self._layers = plan.layers[loop]
        for item in self._layers.items:
            if item.node in plan.layers and item.node is not None:
                inner[item.node] = _Piece(plan, item.node, scale, inner)
        self.layout = Layout(plan.graph, scale.zoom)
        rows = rows_of(self._layers, self._extent, scale.gap)
        # The frame's upper side is a row of its own.
        self._rows = {item: row + (loop is not None) for item, row in rows.items()}
        self._arrange()
        self.anchor = next((row for item, row in self._rows.items() if item.node == ENTRY), 0)
        """The row in which edges arrive and leave."""

    def _extent(self, item: Item) -> Extent:
        if item.node is None or item.node in {ENTRY, EXIT}:
            return _EXTENT
        inner = self._inner.get(item.node)
        if inner is None:
            return Extent(self._scale.above, self._scale.below)
        return Extent(inner.anchor, inner.layout.height - inner.anchor - 1)

    def _width(self, item: Item) -> int:
        if item.node is None or item.node in {ENTRY, EXIT}:
            return 1
        if item.node in self._inner:
            return self._inner[item.node].layout.width
        back = self._plan.returns.get(item.node)
        return self._scale.width(self._plan.graph.nodes[item.node], cells(back) + 2 if back else 0)

    def _arrange(self) -> None:
        rows, layout = self._layers.rows, self.layout
        widths = [max(map(self._width, row), default=0) for row in rows]
        channels = [channel_of([link for item in row for link in item.out], self._rows) for row in rows]
        rooms = [rooms_of(one, self._scale, self._begins(row)) for one, row in zip(channels, rows, strict=True)]
        between = [width_of(one, self._scale, room) for one, room in zip(channels, rooms, strict=True)]
        between[-1:] = []
        ends = any(item.node == EXIT for item in rows[-1]) if rows else False
        total = sum(widths) + sum(between)
        if self._loop is not None:
            layout.width = max(total + (0 if ends else 2), self._scale.title(self._plan.graph.nodes[self._loop]))
            widths[-2 if ends else -1] += layout.width - total - (0 if ends else 2)
        else:
            layout.width = total
        self._place(widths, between, channels, rooms)
        if self._loop is not None:
            self._frame(self._loop)

    def _begins(self, row: list[Item]) -> set[int]:
        return {self._rows[item] for item in row if item.node is not None}

    def _place(self, widths: list[int], between: list[int], channels: list[Channel], rooms: list[Rooms]) -> None:
        x = 0
        bottom = 0
        for number, row in enumerate(self._layers.rows):
            right = x + widths[number]
            for item in row:
                self._put(item, x, right)
                bottom = max(bottom, self._rows[item] + self._extent(item).below)
            if number < len(between):
                routing = Routing(channels[number], self._scale, right - 1, right + between[number], rooms[number])
                routing.draw()
                self.layout.wires.extend(routing.wires)
                self.layout.joints |= routing.joints
                self.layout.merges |= routing.merges
                self.layout.dense = self.layout.dense or channels[number].tracks > MOST_TRACKS
                bottom = max([bottom, *(net.bottom for net in channels[number].nets)])
                x = right + between[number]
        self.layout.height = bottom + 1 + (self._loop is not None) if self._layers.rows else 0

    def _put(self, item: Item, x: int, right: int) -> None:
        row, layout = self._rows[item], self.layout
        end = x + self._width(item)
        if item.node is None:
            end = x + 1
        elif item.node in self._inner:
            inner = self._inner[item.node]
            layout.add(inner.layout, x, row - inner.anchor)
        elif item.node not in {ENTRY, EXIT}:
            extent = self._extent(item)
            layout.boxes[item.node] = Box(x, row - extent.above, end - x, extent.above + 1 + extent.below)
        if item.into and item.node is not None and self._scale.tail > 1:
            coming = tuple(edge for link in item.into for edge in link.edges)
            layout.arrows.append(Note(x - 1, row, "", "edge", coming))
        if item.out and end < right:
            edges = [tuple(link.edges) for link in item.out]
            layout.wires.append(Wire(end - 1, row, right - 1, row, tuple(chain(*edges))))

    def _frame(self, loop: str) -> None:
        layout = self.layout
        layout.regions[loop] = Box(0, 0, layout.width, layout.height)
        layout.boxes[loop] = Box(1, 0, layout.width - 2, 1)
