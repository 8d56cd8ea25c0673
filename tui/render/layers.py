"""Nodes into layers: each right of all that leads to it."""

from __future__ import annotations

from collections import Counter

from tui.render.items import Item, Layers, add_item
from tui.render.lanes import End, LaneKey, LaneKeys, Lanes
from tui.render.model import Edge
from tui.render.scopes import ENTRY, EXIT, Scope


class Layering:
    """Every node of a scope right of all that leads to it, as far left as that allows."""

    def __init__(self, scope: Scope) -> None:
        self._links, self.returns = _without_cycles(scope)
        """Edges back to where they come from are named in the picture, and not drawn."""
        self._depth = _depths(scope, self._links)

    @property
    def items(self) -> int:
        """How many items the layers would have, lanes among them; cheap, where the layers may not be."""
        ends = _ends(self._depth, self._links)
        spans: dict[LaneKey, tuple[int, int]] = {}
        keys = LaneKeys(ends)
        for source, target, edge in ends:
            if target[1] - source[1] > 1:
                key = keys.of(source, target, edge)
                first, last = spans.get(key, (source[1], target[1]))
                spans[key] = min(first, source[1]), max(last, target[1])
        return len(self._depth) + sum(last - first - 1 for first, last in spans.values())

    def layers(self) -> Layers:
        """The layers, with a lane through each that an edge skips."""
        rows: list[list[Item]] = [[] for _ in range(max(self._depth.values(), default=-1) + 1)]
        items = {node: add_item(rows, layer, node) for node, layer in self._depth.items()}
        Lanes(rows, items).draw(_ends(self._depth, self._links))
        return Layers(rows)


def _ends(depth: dict[str, int], links: list[tuple[str, str, Edge]]) -> list[tuple[End, End, Edge]]:
    return [((source, depth[source]), (target, depth[target]), edge) for source, target, edge in links]


def _without_cycles(scope: Scope) -> tuple[list[tuple[str, str, Edge]], list[Edge]]:
    """The links without those that close a cycle; a valid workflow has none of these."""
    out: dict[str, list[tuple[str, Edge]]] = {}
    for source, target, edge in scope.links:
        out.setdefault(source, []).append((target, edge))
    closing: set[int] = set()
    state: dict[str, int] = {}
    for root in (ENTRY, *scope.members):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(out.get(root, ())))]
        while stack:
            node, rest = stack[-1]
            for target, edge in rest:
                if state.get(target) == 1:
                    closing.add(edge.index)
                elif target not in state:
                    state[target] = 1
                    stack.append((target, iter(out.get(target, ()))))
                    break
            else:
                state[node] = 2
                stack.pop()
    kept = [link for link in scope.links if link[2].index not in closing]
    return kept, [edge for _, _, edge in scope.links if edge.index in closing]


def _depths(scope: Scope, links: list[tuple[str, str, Edge]]) -> dict[str, int]:
    """The layer of every member: the longest way to it. A frame's sides are the first and the last layer."""
    out: dict[str, list[str]] = {}
    waiting: Counter[str] = Counter()
    for source, target, _ in links:
        out.setdefault(source, []).append(target)
        waiting[target] += 1
    first = 0 if scope.loop is None else 1
    depth = dict.fromkeys(scope.members, first)
    if first:
        depth[ENTRY] = 0
    ready = [node for node in depth if not waiting[node]]
    for node in ready:
        for target in out.get(node, ()):
            depth[target] = max(depth.get(target, 0), depth[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if EXIT in depth:
        depth[EXIT] = max(depth.values())
    return depth
