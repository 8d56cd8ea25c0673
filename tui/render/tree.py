"""A graph as a tree, one node a line: for those with so many lines that a picture of them says nothing.

A node stands below the last one that every way to it comes through. Its other edges are named at the end of its line.
"""

from __future__ import annotations

from collections.abc import Iterable

from tui.render.arrange import Plan
from tui.render.canvas import Box
from tui.render.layout import Layout, Note, Wire, Zoom
from tui.render.model import EACH, Edge, Graph
from tui.render.routing import label_of
from tui.render.scale import LOOP_COUNT, SCALES
from tui.render.text import cells

MOST_NAMED = 4
"""Edges that a line names; of more it says how many."""
_SCALE = SCALES[Zoom.COMPACT]


def tree_layout(plan: Plan) -> Layout:
    """Give every node a line; takes time linear in nodes and edges."""
    return _Tree(plan).layout


class _Tree:
    def __init__(self, plan: Plan) -> None:
        graph = plan.graph
        self.layout = Layout(graph, Zoom.TREE, returns={})
        self._loops = {edge.source for edge in graph.edges if edge.port == EACH}
        self._out: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            self._out.setdefault(edge.source, []).append(edge)
        self._below = below(graph)
        self._way: dict[str, tuple[Edge, ...]] = {}
        """The edges along which a node is drawn, when its parent in the tree has any to it."""
        for parent, nodes in self._below.items():
            under = set(nodes)
            for edge in self._out.get(parent or "", ()):
                if edge.target in under:
                    self._way[edge.target] = (*self._way.get(edge.target, ()), edge)
        self._draw()

    def _draw(self) -> None:
        roots = self._below.get(None, [])
        pending = [(node, 0, -1 if len(roots) == 1 else 0) for node in reversed(roots)]
        stems: dict[int, tuple[int, int]] = {}
        """For each column of a stem that still grows where it began; the number tells stems apart."""
        while pending:
            node, column, stem = pending.pop()
            y = len(self.layout.boxes)
            x = column if stem < 0 else self._branch(node, column, stem, y, stems)
            self._put(node, x, y)
            children = self._below.get(node, [])
            if len(children) == 1 and all(not edge.port for edge in self._way.get(children[0], ())):
                pending.append((children[0], x, -1))
            else:
                stems[y + 1] = (x + 1, y)
                pending.extend((child, x + 1, y + 1) for child in reversed(children))
        self.layout.height = len(self.layout.boxes)
        self.layout.index()

    def _branch(self, node: str, column: int, stem: int, y: int, stems: dict[int, tuple[int, int]]) -> int:
        """Draw the line from a stem to a node's box; give the box's column."""
        top = stems.get(stem, (column, y))[1]
        edges = self._way.get(node, ())
        label = label_of(edges, _SCALE) if edges else ""
        x = column + (cells(label) + 3 if label else 2)
        if y > top:
            self.layout.wires.append(Wire(column, top, column, y, ()))
        self.layout.wires.append(Wire(column, y, x, y, edges))
        self.layout.joints.add((column, y))
        stems[stem] = (column, y)
        if label:
            role = "port.error" if all(edge.error for edge in edges) else "port"
            self.layout.notes.append(Note(column + 2, y, label, role, edges))
        return x

    def _put(self, node: str, x: int, y: int) -> None:
        width = _SCALE.width(self.layout.graph.nodes[node], LOOP_COUNT if node in self._loops else 0)
        self.layout.boxes[node] = Box(x, y, width, 1)
        self.layout.width = max(self.layout.width, self._references(node, x + width, y))

    def _references(self, node: str, x: int, y: int) -> int:
        """Name the edges that no line is drawn for; give the column after them."""
        way = [edge for edge in self._out.get(node, ()) if edge not in self._way.get(edge.target, ())]
        for edge in way[:MOST_NAMED]:
            label = _SCALE.port(edge.port)
            if label:
                self.layout.notes.append(Note(x + 1, y, label, "port.error" if edge.error else "port"))
                x += cells(label) + 1
            target = _SCALE.label(self.layout.graph.nodes[edge.target])
            self.layout.arrows.append(Note(x + 1, y, "", "edge", (edge,)))
            self.layout.notes.append(Note(x + 3, y, target, "detail", node=edge.target))
            x += cells(target) + 4
        if len(way) > MOST_NAMED:
            more = f"+{len(way) - MOST_NAMED}"
            self.layout.notes.append(Note(x + 1, y, more, "detail"))
            x += len(more) + 1
        return x


def below(graph: Graph) -> dict[str | None, list[str]]:
    """For each node those right below it: every way to them comes through it, and through none further down."""
    into: dict[str, list[str]] = {}
    forward: dict[str, list[str]] = {}
    for edge in graph.edges:
        forward.setdefault(edge.source, []).append(edge.target)
    place = {node: number for number, node in enumerate(_sequence(graph, forward))}
    for edge in graph.edges:
        if place[edge.source] < place[edge.target]:
            into.setdefault(edge.target, []).append(edge.source)
    ancestry = _Ancestry()
    found: dict[str | None, list[str]] = {}
    for node in place:
        parent = ancestry.common(into.get(node, ()))
        ancestry.add(node, parent)
        found.setdefault(parent, []).append(node)
    return found


def _sequence(graph: Graph, forward: dict[str, list[str]]) -> Iterable[str]:
    """Every node after those that lead to it, edges back aside."""
    done: dict[str, None] = {}
    started: set[str] = set()
    entered = {edge.target for edge in graph.edges if edge.target != edge.source}
    entries = [node for node in graph.nodes if node not in entered]
    for root in (*reversed(entries), *graph.nodes):
        stack = [(root, iter(forward.get(root, ())[::-1]))] if root not in started else []
        started.add(root)
        while stack:
            node, rest = stack[-1]
            following = next((target for target in rest if target not in started), None)
            if following is None:
                done[node] = None
                stack.pop()
            else:
                started.add(following)
                stack.append((following, iter(forward.get(following, ())[::-1])))
    return reversed(done)


class _Ancestry:
    """A growing tree that finds the last common ancestor in logarithmic time, by jumps of growing length."""

    def __init__(self) -> None:
        self._depth: dict[str | None, int] = {None: 0}
        self._parent: dict[str | None, str | None] = {None: None}
        self._jump: dict[str | None, str | None] = {None: None}

    def add(self, node: str, parent: str | None) -> None:
        """Put a node below another, or at the top."""
        far = self._jump[parent]
        even = self._depth[parent] - self._depth[far] == self._depth[far] - self._depth[self._jump[far]]
        self._depth[node] = self._depth[parent] + 1
        self._parent[node] = parent
        self._jump[node] = self._jump[far] if even else parent

    def common(self, nodes: Iterable[str]) -> str | None:
        """The last node that is above, or is, each of these; None is the top of all."""
        found: str | None = None
        for number, node in enumerate(nodes):
            found = self._meet(found, node) if number else node
        return found

    def _meet(self, one: str | None, other: str | None) -> str | None:
        if self._depth[one] < self._depth[other]:
            one, other = other, one
        while self._depth[one] > self._depth[other]:
            far = self._jump[one]
            one = far if self._depth[far] >= self._depth[other] else self._parent[one]
        while one != other:
            apart = self._jump[one] != self._jump[other]
            one, other = (self._jump[one], self._jump[other]) if apart else (self._parent[one], self._parent[other])
        return one
