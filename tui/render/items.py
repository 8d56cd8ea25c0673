"""What stands in the layers of a picture, and what connects them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tui.render.model import Edge


@dataclass(slots=True, eq=False)
class Item:
    """What stands in a layer: a node, a frame's side, or a lane, which has no node."""

    layer: int
    node: str | None
    place: int = 0
    """Its place in the layer, from the top."""
    into: list[Link] = field(default_factory=list)
    out: list[Link] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Link:
    """Edges that go the same way from one layer into the next."""

    source: Item
    target: Item
    edges: list[Edge]

    @property
    def inner(self) -> bool:
        """A piece of a lane that should be straight."""
        return self.source.node is None and self.target.node is None

    @property
    def error(self) -> bool:
        """Nothing but error edges; those in a lane are all of one kind."""
        lane = self.source.node is None or self.target.node is None
        return self.edges[0].error if lane else all(edge.error for edge in self.edges)


@dataclass(slots=True)
class Layers:
    """A scope's items by layer, from left to right."""

    rows: list[list[Item]]

    @property
    def items(self) -> Iterable[Item]:
        """All of them, layer by layer."""
        return (item for row in self.rows for item in row)


def add_item(rows: list[list[Item]], layer: int, node: str | None) -> Item:
    """Put an item at the end of a layer; a lane has no node."""
    item = Item(layer, node, len(rows[layer]))
    rows[layer].append(item)
    return item
