"""Which nodes are drawn within which loop's frame, and which of them an edge connects there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tui.render.model import EACH, Edge, Graph

ENTRY = "\0entry"
EXIT = "\0exit"
"""The left and right side of a frame, where iterations begin and, for edges drawn back to the loop, end."""


@dataclass(slots=True)
class Scope:
    """What is inside one loop's frame, or in none."""

    loop: str | None
    members: list[str] = field(default_factory=list)
    """In the order of the definition; a loop stands for all that is in its frame."""
    links: list[tuple[str, str, Edge]] = field(default_factory=list)


def scopes_of(graph: Graph) -> dict[str | None, Scope]:
    """The scope of every loop with a body, and of the whole picture under None."""
    owner = _owners(graph)
    scopes: dict[str | None, Scope] = {None: Scope(None)}
    for loop in dict.fromkeys(owner.values()):
        scopes[loop] = Scope(loop)
    for node in graph.nodes:
        scopes[owner.get(node)].members.append(node)
    for edge in graph.edges:
        scope, source, target = _lift(edge, owner)
        scopes[scope].links.append((source, target, edge))
    return scopes


def bodies_of(graph: Graph) -> dict[str, list[str]]:
    """The nodes in the body of each loop; an inner loop stands for its own."""
    return {loop: scope.members for loop, scope in scopes_of(graph).items() if loop is not None}


def _lift(edge: Edge, owner: dict[str, str]) -> tuple[str | None, str, str]:
    """The innermost scope around an edge, and what stands there for its ends."""
    above = _chain(edge.source, owner)
    targets = _chain(edge.target, owner)
    if edge.source in targets[1:]:
        return edge.source, ENTRY, targets[targets.index(edge.source) - 1]
    if edge.target in above[1:]:
        return edge.target, above[above.index(edge.target) - 1], EXIT
    while len(above) > 1 and len(targets) > 1 and above[-1] == targets[-1]:
        above.pop()
        targets.pop()
    return owner.get(above[-1]), above[-1], targets[-1]


def _chain(node: str, owner: dict[str, str]) -> list[str]:
    chain = [node]
    while chain[-1] in owner:
        chain.append(owner[chain[-1]])
    return chain


def _owners(graph: Graph) -> dict[str, str]:
    """For each node within a loop the innermost loop around it."""
    out: dict[str, list[str]] = {}
    each: dict[str, list[str]] = {}
    for edge in graph.edges:
        out.setdefault(edge.source, []).append(edge.target)
        if edge.port == EACH:
            each.setdefault(edge.source, []).append(edge.target)
    bodies = {loop: _reached(roots, out, loop) for loop, roots in each.items()}
    owner: dict[str, str] = {}
    for loop, body in sorted(bodies.items(), key=lambda entry: -len(entry[1])):
        around = set(_chain(loop, owner))
        # Two loops within each other: no valid workflow, but it must not hang the picture.
        owner.update((node, loop) for node in body if node not in around)
    return owner


def _reached(roots: Iterable[str], out: dict[str, list[str]], without: str) -> list[str]:
    found = dict.fromkeys(root for root in roots if root != without)
    pending = list(found)
    while pending:
        for target in out.get(pending.pop(), ()):
            if target not in found and target != without:
                found[target] = None
                pending.append(target)
    return list(found)
