"""The space between two layers: in which column each bundle of links runs down, so that none is taken for another.

Lines share cells only when all their edges share a source or a target: a fan-out is one trunk, a join one comb. In the
row of a source its line comes first, and a line to the target in that row joins to the right of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.render.items import Item, Link
from tui.render.model import Edge


@dataclass(frozen=True, slots=True)
class Strand:
    """Edges that enter a channel in one row and leave it in another."""

    left: int
    right: int
    edges: tuple[Edge, ...]


@dataclass(slots=True, eq=False)
class Net:
    """Strands that share one column: all of one source, or all of one target, or all of both, or their detour."""

    joins: bool
    """All lead to one target."""
    strands: list[Strand] = field(default_factory=list)
    top: int = 0
    bottom: int = 0
    lefts: set[int] = field(default_factory=set)
    """The rows in which it enters."""
    rights: set[int] = field(default_factory=set)
    """The rows in which it leaves."""
    track: int = 0
    free_left: bool = False
    """It begins in a row of its own, where a detour ends."""
    free_right: int | None = None
    """The row of its own in which a detour begins."""

    @property
    def straight(self) -> bool:
        """It needs no column."""
        return self.top == self.bottom

    def lead(self, strands: list[Strand]) -> None:
        """Set where it leads."""
        self.strands = strands
        self.lefts = {strand.left for strand in strands}
        self.rights = {strand.right for strand in strands}
        rows = self.lefts | self.rights
        self.top, self.bottom = min(rows), max(rows)


@dataclass(slots=True)
class Channel:
    """All nets between two layers, and how many columns they need."""

    nets: list[Net]
    tracks: int
    split: int
    """The track before which there is space for labels."""
    shared: set[int]
    """The rows in which fan-outs leave together with other nets."""


def channel_of(links: list[Link], rows: Mapping[Item, int]) -> Channel:
    """Bundle the links and give each bundle a column."""
    nets = _bundles(links, rows)
    leaving = Counter(row for net in nets for row in net.rights)
    ports = {strand.right for net in nets if not net.joins for strand in net.strands if strand.edges[0].port}
    shared = {row for row in ports if leaving[row] > 1}
    tracks = _Tracks(nets, joins_last=bool(shared))
    tracks.assign()
    return Channel(nets, len(tracks.busy), tracks.split or len(tracks.busy), shared)


def _bundles(links: list[Link], rows: Mapping[Item, int]) -> list[Net]:
    """A link goes with the others of its source; when there are none, with the others of its target.

    Where every one of several sources leads to the same targets, and nothing else does, all go together.
    """
    strands: dict[tuple[object, bool], list[Strand]] = {}
    for link in links:
        joins = len(link.source.out) == 1
        key = (_crowd(link) or id(link.target if joins else link.source), joins)
        strands.setdefault(key, []).append(Strand(rows[link.source], rows[link.target], tuple(link.edges)))
    nets = []
    for (_, joins), bundle in strands.items():
        nets.append(Net(joins))
        nets[-1].lead(bundle)
    return nets


def _crowd(link: Link) -> tuple[int, ...]:
    """What the links between two groups of nodes have in common when all lead to all; empty when they don't."""
    targets = link.source.out
    sources = len(link.target.into)
    if len(targets) < 2 or sources < 2 or any(len(each.target.into) != sources for each in targets):
        return ()
    group = tuple(sorted(id(each.target) for each in targets))
    for other in link.target.into:
        named = any(edge.port for each in other.source.out for edge in each.edges)
        if named or tuple(sorted(id(each.target) for each in other.source.out)) != group:
            return ()
    return group


class _Tracks:
    """Gives every net a column, from left to right, and makes detours where nets would wait for each other."""

    def __init__(self, nets: list[Net], *, joins_last: bool) -> None:
        self._nets = nets
        self._joins_last = joins_last
        self.split = 0
        self.busy: list[list[tuple[int, int]]] = []
        """The rows that are taken in each column."""
        self._taken = {row for net in nets for row in net.lefts | net.rights}
        self._reaching: dict[int, list[Net]] = {}
        for net in nets:
            for row in net.rights:
                self._reaching.setdefault(row, []).append(net)

    def assign(self) -> None:
        """Set every net's track."""
        waiting: dict[Net, set[Net]] = {net: set() for net in self._nets}
        for net in self._nets:
            for row in net.lefts:
                for other in self._reaching.get(row, ()):
                    if other is not net and not net.straight:
                        waiting[other].add(net)
        left_of: dict[Net, list[Net]] = {net: [] for net in self._nets}
        for net, others in waiting.items():
            for other in others:
                left_of[other].append(net)
        self._place_all(waiting, left_of)

    def _place_all(self, waiting: dict[Net, set[Net]], left_of: dict[Net, list[Net]]) -> None:
        earliest = dict.fromkeys(waiting, 0)
        ready = sorted((net for net, others in waiting.items() if not others), key=self._turn, reverse=True)
        while waiting:
            if not ready:
                ready.append(self._detour(waiting, left_of, earliest))
            net = ready.pop()
            del waiting[net]
            if not net.straight:
                self._place(net, earliest[net])
            freed = []
            for other in left_of[net]:
                if other in waiting and net in waiting[other]:
                    earliest[other] = max(earliest[other], net.track + (not net.straight))
                    waiting[other].discard(net)
                    if not waiting[other]:
                        freed.append(other)
            if freed:
                ready = sorted([*ready, *freed], key=self._turn, reverse=True)

    def _place(self, net: Net, earliest: int) -> None:
        if self._joins_last and net.joins and not self.split:
            self.split = len(self.busy)
        track = max(earliest, self.split) if net.joins else earliest
        while any(low <= net.bottom and net.top <= high for low, high in self._track(track)):
            track += 1
        self._track(track).append((net.top, net.bottom))
        net.track = track

    def _track(self, number: int) -> list[tuple[int, int]]:
        while len(self.busy) <= number:
            self.busy.append([])
        return self.busy[number]

    def _detour(self, waiting: dict[Net, set[Net]], left_of: dict[Net, list[Net]], earliest: dict[Net, int]) -> Net:
        """Nets wait for each other in a circle: let one end in a free row, and go on from there when all are placed."""
        net = min(waiting, key=lambda net: len(waiting[net]))
        blocked = {row for row in net.rights for other in waiting[net] if row in other.lefts}
        row = self._free_row(min(blocked))
        self._taken.add(row)
        rest = Net(net.joins, free_left=True)
        rest.lead([Strand(row, strand.right, strand.edges) for strand in net.strands if strand.right in blocked])
        net.lead([Strand(s.left, row, s.edges) if s.right in blocked else s for s in net.strands])
        net.free_right = row
        waiting[rest] = {*waiting[net], net}
        for other in waiting[rest]:
            left_of[other].append(rest)
        left_of[rest], earliest[rest] = [], earliest[net]
        waiting[net] = set()
        self._nets.append(rest)
        return net

    def _free_row(self, near: int) -> int:
        """The closest row that no line of this channel uses, below the topmost."""
        away = 1
        while True:
            for row in (near + away, near - away):
                if row >= 0 and row not in self._taken:
                    return row
            away += 1

    def _turn(self, net: Net) -> tuple[bool, bool, int]:
        """Who comes first, to the left: of those that lead down the lowest, of those that lead up the uppermost."""
        first = min(net.lefts)
        down = net.bottom > first
        return (self._joins_last and net.joins, not down, -first if down else first)
