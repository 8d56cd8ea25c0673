"""The bodies of loops: which nodes belong to which loop, innermost first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def loop_bodies(loops: Iterable[str], edges: Iterable[tuple[str, str, bool]]) -> dict[str, set[str]]:
    """For each loop the nodes that its `each` port leads to, those of loops within it too, but not itself.

    `edges` are `(source, target, whether it leaves the source's each port)`.
    """
    each: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for source, target, is_each in edges:
        others.setdefault(source, []).append(target)
        if is_each:
            each.setdefault(source, []).append(target)
    return {loop: _reached(each.get(loop, ()), others, loop) for loop in loops}


def _reached(roots: Iterable[str], edges: Mapping[str, list[str]], without: str) -> set[str]:
    found = {root for root in roots if root != without}
    pending = list(found)
    while pending:
        for target in edges.get(pending.pop(), ()):
            if target not in found and target != without:
                found.add(target)
                pending.append(target)
    return found


def innermost(bodies: Mapping[str, set[str]]) -> dict[str, str]:
    """For each node within a loop the loop whose body it belongs to most closely: the one with the smallest body."""
    owner: dict[str, str] = {}
    for loop, body in sorted(bodies.items(), key=lambda entry: len(entry[1]), reverse=True):
        owner.update(dict.fromkeys(body, loop))
    return owner
