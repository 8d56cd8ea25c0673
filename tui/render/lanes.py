"""Edges as links from layer to layer, in lanes through those that they skip."""

from __future__ import annotations

from collections import Counter

from tui.render.items import Item, Link, add_item
from tui.render.model import Edge

End = tuple[str, int]
"""A node and its layer."""
LaneKey = tuple[str, str, str | bool]
MOST_APART = 4
"""Edges to one target, or of one port, that have lanes of their own."""


class LaneKeys:
    """Which edges share a lane: few, because where many meet nobody sees which of them goes on to where.

    Errors of all sources run to their target together. Others do only when there would be too many lanes.
    """

    def __init__(self, ends: list[tuple[End, End, Edge]]) -> None:
        skipping = [each for each in ends if each[1][1] - each[0][1] > 1]
        self._into = Counter((target[0], edge.error) for _, target, edge in skipping)
        self._out = Counter((source[0], edge.port) for source, _, edge in skipping)

    def of(self, source: End, target: End, edge: Edge) -> LaneKey:
        """The name of the lane that an edge would take."""
        into, out = (target[0], edge.error), (source[0], edge.port)
        if edge.error or (not edge.port and self._into[into] > max(MOST_APART, self._out[out])):
            return ("into", *into)
        if self._out[out] > MOST_APART:
            return ("out", *out)
        # Edges between the same two nodes have one line.
        return ("into", f"{source[0]}\0{target[0]}", False)


class Lanes:
    """Draws every edge as links from layer to layer."""

    def __init__(self, rows: list[list[Item]], items: dict[str, Item]) -> None:
        self._rows = rows
        self._items = items
        self._links: dict[tuple[str, str], Link] = {}

    def draw(self, ends: list[tuple[End, End, Edge]]) -> None:
        """Make lanes and links."""
        keys = LaneKeys(ends)
        lanes: dict[LaneKey, list[tuple[End, End, Edge]]] = {}
        for source, target, edge in ends:
            if target[1] - source[1] > 1:
                lanes.setdefault(keys.of(source, target, edge), []).append((source, target, edge))
                continue
            link = self._links.get((source[0], target[0]))
            if link is None:
                self._links[source[0], target[0]] = _link(self._items[source[0]], self._items[target[0]], [edge])
            else:
                link.edges.append(edge)
        for key, sharing in lanes.items():
            if key[0] == "into":
                self._gather(sharing)
            else:
                self._spread(sharing)
        for item in self._items.values():
            item.out.sort(key=lambda link: link.edges[0].index)

    def _gather(self, sharing: list[tuple[End, End, Edge]]) -> None:
        """A lane to one target, which sources join on its way."""
        joining: dict[int, dict[str, list[Edge]]] = {}
        for source, _, edge in sharing:
            joining.setdefault(source[1], {}).setdefault(source[0], []).append(edge)
        at, carried = None, list[Edge]()
        for layer in range(min(joining) + 1, sharing[0][1][1]):
            following = add_item(self._rows, layer, None)
            if at is not None:
                _link(at, following, carried[:])
            for node, edges in joining.get(layer - 1, {}).items():
                _link(self._items[node], following, edges)
                carried += edges
            at = following
        if at is not None:
            _link(at, self._items[sharing[0][1][0]], carried)

    def _spread(self, sharing: list[tuple[End, End, Edge]]) -> None:
        """A lane of one source, which leads to targets on its way."""
        leaving: dict[int, dict[str, list[Edge]]] = {}
        for _, target, edge in sharing:
            leaving.setdefault(target[1], {}).setdefault(target[0], []).append(edge)
        source = sharing[0][0]
        at, carried = self._items[source[0]], [edge for _, _, edge in sharing]
        for layer in range(source[1] + 1, max(leaving)):
            following = add_item(self._rows, layer, None)
            _link(at, following, carried)
            for node, edges in leaving.get(layer + 1, {}).items():
                _link(following, self._items[node], edges)
            gone = {edge.index for edges in leaving.get(layer + 1, {}).values() for edge in edges}
            carried = [edge for edge in carried if edge.index not in gone] if gone else carried[:]
            at = following


def _link(source: Item, target: Item, edges: list[Edge]) -> Link:
    link = Link(source, target, edges)
    source.out.append(link)
    target.into.append(link)
    return link
