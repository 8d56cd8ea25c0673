"""What follows from the edges of a graph alone: reachability, cycles, and which nodes are upstream of which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain


class Topology:
    """A directed graph whose nodes are the numbers from 0 to `size` - 1.

    Every question is answered in time near-linear in nodes and edges, and without recursion.
    """

    def __init__(self, size: int, edges: Iterable[tuple[int, int]]) -> None:
        self.size = size
        self.successors: list[list[int]] = [[] for _ in range(size)]
        self.predecessors: list[list[int]] = [[] for _ in range(size)]
        for source, target in dict.fromkeys(edges):
            self.successors[source].append(target)
            self.predecessors[target].append(source)
        self._finished: list[int] = []
        self._back_edges: list[tuple[int, ...]] = []
        """For each edge that closes a cycle, the nodes of that cycle."""
        self._search()

    def reachable(self, roots: Iterable[int]) -> set[int]:
        """The roots and all that can be reached from them."""
        found = set(roots)
        pending = list(found)
        while pending:
            new = [target for target in self.successors[pending.pop()] if target not in found]
            found.update(new)
            pending.extend(new)
        return found

    def cycles(self) -> list[tuple[int, ...]]:
        """Cycles such that removing one edge of each leaves none, each in the order of its edges; 50 at most."""
        return self._back_edges

    def ancestors(self) -> list[int]:
        """For each node the set of nodes upstream of it, as a bit mask (`1 << node`).

        The nodes of a cycle are all upstream of each other and of themselves.
        """
        masks = [0] * self.size
        for component in self._components():
            members = frozenset(component)
            mask = 0
            for node in component:
                for before in self.predecessors[node]:
                    if before not in members:
                        mask |= masks[before] | 1 << before
            if len(component) > 1:
                for node in component:
                    mask |= 1 << node
            for node in component:
                masks[node] = mask
        return masks

    def _search(self) -> None:
        """Walk the graph in depth, from the entry nodes first so that a cycle is named from where it is entered."""
        entries = (node for node in range(self.size) if not self.predecessors[node])
        seen = bytearray(self.size)
        for root in chain(entries, range(self.size)):
            if not seen[root]:
                self._walk(root, seen)

    def _walk(self, root: int, seen: bytearray) -> None:
        """A depth-first walk with a stack of its own; `seen` is 1 for a node on the present path, 2 when done."""
        path = [root]
        branches: list[Iterator[int]] = [iter(self.successors[root])]
        seen[root] = 1
        while path:
            target = next(branches[-1], None)
            if target is None:
                seen[path[-1]] = 2
                self._finished.append(path.pop())
                branches.pop()
            elif seen[target] == 1 and len(self._back_edges) < 50:
                self._back_edges.append(tuple(path[path.index(target) :]))
            elif not seen[target]:
                seen[target] = 1
                path.append(target)
                branches.append(iter(self.successors[target]))

    def _components(self) -> Iterator[list[int]]:
        """Groups of nodes that reach each other, every group after those that lead to it (Kosaraju)."""
        assigned = bytearray(self.size)
        for root in reversed(self._finished):
            if assigned[root]:
                continue
            assigned[root] = 1
            component = [root]
            for node in component:  # grows while it is walked
                for before in self.predecessors[node]:
                    if not assigned[before]:
                        assigned[before] = 1
                        component.append(before)
            yield component
