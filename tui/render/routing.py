"""The lines of one channel as wires, joints, arrows and port labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

from tui.render.channel import Channel, Net
from tui.render.layout import Wire
from tui.render.model import Edge
from tui.render.scale import Scale
from tui.render.text import cells

Edges = tuple[Edge, ...]


@dataclass(slots=True)
class Rooms:
    """Columns that a channel keeps for port labels, left and right of its vertical lines."""

    left: int = 0
    middle: int = 0
    """Before the lines of joins, where a fan-out leaves in the row of one."""
    right: int = 0


@dataclass(slots=True)
class Routing:
    """The lines between the column `left` and the column `right`, which are the last and first of two layers."""

    channel: Channel
    scale: Scale
    left: int
    right: int
    rooms: Rooms
    wires: list[Wire] = field(default_factory=list)
    joints: set[tuple[int, int]] = field(default_factory=set)
    merges: dict[tuple[int, int], bool] = field(default_factory=dict)

    def draw(self) -> None:
        """Make all wires and joints."""
        detours = {min(net.lefts): net for net in self.channel.nets if net.free_left}
        leaving: dict[int, list[tuple[int, Edges]]] = {}
        for net in self.channel.nets:
            x = self.left if net.straight else self._column(net)
            for strand in net.strands:
                if strand.right != net.free_right:
                    leaving.setdefault(strand.right, []).append((x, strand.edges))
            if net.straight:
                continue
            self._enter(net, x)
            self._run_down(net, x)
            if net.free_right is not None:
                edges = _together(s.edges for s in net.strands if s.right == net.free_right)
                self._wire(x, net.free_right, self._column(detours[net.free_right]), net.free_right, edges)
        for row, starts in leaving.items():
            self._leave(row, starts)
        self._merge()

    def _merge(self) -> None:
        """Where the last branch of a fan-out comes into a row in which another line comes along."""
        for net in self.channel.nets:
            ends = {net.top: False, net.bottom: True}
            fans = not net.joins and not net.straight and len(net.lefts) == 1 and len(net.rights) > 1
            for row, above in ends.items() if fans else ():
                if row in net.rights - net.lefts - {net.free_right} and self._comes_along(net, row):
                    self.merges[self._column(net), row] = above

    def _comes_along(self, net: Net, row: int) -> bool:
        for other in self.channel.nets:
            passes = row in other.lefts and (other.straight or other.track > net.track)
            if other is not net and (passes or (row in other.rights and other.track < net.track)):
                return True
        return False

    def _column(self, net: Net) -> int:
        room = self.rooms.left + (self.rooms.middle if net.track >= self.channel.split else 0)
        return self.left + 1 + self.scale.lead + room + net.track * self.scale.spacing

    def _enter(self, net: Net, x: int) -> None:
        if net.free_left:
            return
        for row in sorted(net.lefts):
            self._wire(self.left, row, x, row, _together(s.edges for s in net.strands if s.left == row))

    def _run_down(self, net: Net, x: int) -> None:
        self.joints.update((x, row) for row in net.lefts | net.rights)
        if len(net.lefts) > 1 and len(net.rights) > 1:
            rows = sorted(net.lefts | net.rights)
            for row, following in pairwise(rows):
                self._wire(x, row, x, following, _together(strand.edges for strand in net.strands))
            return
        # One side of a net has one row alone; from there the strands go off, upwards and downwards.
        one_left = len(net.lefts) == 1
        pivot = min(net.lefts if one_left else net.rights)
        ends: dict[int, Edges] = {}
        for strand in net.strands:
            row = strand.right if one_left else strand.left
            ends[row] = ends.get(row, ()) + strand.edges
        for rows in (sorted(row for row in ends if row < pivot), sorted((r for r in ends if r > pivot), reverse=True)):
            edges: Edges = ()
            for row, following in zip(rows, [*rows[1:], pivot], strict=False):
                edges = ends[row] + edges
                self._wire(x, min(row, following), x, max(row, following), edges)

    def _leave(self, row: int, starts: list[tuple[int, Edges]]) -> None:
        starts.sort(key=lambda start: start[0])
        edges: Edges = ()
        for (x, more), following in zip(starts, [*(x for x, _ in starts[1:]), self.right], strict=True):
            edges = edges + more if edges else more
            if x != following:
                self._wire(x, row, following, row, edges)

    def _wire(self, x0: int, y0: int, x1: int, y1: int, edges: Edges) -> None:
        self.wires.append(Wire(x0, y0, x1, y1, edges))


def _together(bundles: Iterable[Edges]) -> Edges:
    first, *others = bundles
    # Long lanes carry the same edges from layer to layer: they are kept once.
    return tuple(chain(first, *others)) if others else first


def rooms_of(channel: Channel, scale: Scale, begins: set[int]) -> Rooms:
    """The columns that labels need; `begins` are the rows in which nodes, not lanes, stand to the left."""
    rooms = Rooms()
    for net in channel.nets:
        entering: dict[int, list[Edge]] = {}
        for strand in net.strands:
            entering.setdefault(strand.left, []).extend(strand.edges)
        whole = {row: label_of(edges, scale) for row, edges in entering.items()}
        for strand in net.strands:
            label = cells(label_of(strand.edges, scale))
            if not label or net.free_left or strand.left not in begins:
                continue
            if not net.straight and whole[strand.left] and (net.joins or len(net.strands) > 1):
                rooms.left = max(rooms.left, label + 1)
            elif channel.shared and not net.joins and not net.straight:
                rooms.middle = max(rooms.middle, label + 1)
            else:
                rooms.right = max(rooms.right, label + 1)
    return rooms


def label_of(edges: Sequence[Edge], scale: Scale) -> str:
    """The text that is true of all edges: their port, or their ports when they all connect the same two nodes."""
    first = edges[0]
    if not first.port or any(edge.source != first.source for edge in edges):
        return ""
    if all(edge.port == first.port for edge in edges):
        return scale.port(first.port)
    ports = dict.fromkeys(edge.port for edge in edges)
    return "" if "" in ports or any(edge.target != first.target for edge in edges) else scale.port("/".join(ports))


def width_of(channel: Channel, scale: Scale, rooms: Rooms) -> int:
    """How many columns a channel takes."""
    tracks = (channel.tracks - 1) * scale.spacing + 1 if channel.tracks else 0
    return scale.lead + rooms.left + tracks + rooms.middle + rooms.right + scale.tail
