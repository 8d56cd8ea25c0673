"""The order of the items within their layers, such that few links cross."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from tui.render.items import Item, Layers

SWEEPS = 6
SWAP_ROUNDS = 4
PATIENCE = 8_000
"""Items looked at in sweeps, and in swaps, before the order is taken as it is."""


def order(layers: Layers) -> None:
    """Put every layer's items in order; the definition's order where nothing speaks against it."""
    _follow_edges(layers)
    best, fewest = _places(layers), _all_crossings(layers)
    swaps = PATIENCE // max(1, len(best))
    for sweep in range(min(SWEEPS, swaps)):
        if not fewest:
            break
        _sweep(layers, forward=sweep % 2 == 0)
        for _ in range(SWAP_ROUNDS):
            swaps -= 1
            if swaps < 0 or not _swap_neighbours(layers):
                break
        crossings = _all_crossings(layers)
        if crossings < fewest:
            best, fewest = _places(layers), crossings
    for row in layers.rows:
        _arrange(row, best)


def _follow_edges(layers: Layers) -> None:
    """Start with the order in which a walk along the edges comes by: what belongs together stands together."""
    found: dict[Item, int] = {}
    for root in layers.items:
        pending = [root] if root not in found else []
        while pending:
            item = pending.pop()
            if item not in found:
                found[item] = len(found)
                pending.extend(link.target for link in reversed(item.out))
    for row in layers.rows:
        _arrange(row, found)


def _arrange(row: list[Item], places: dict[Item, int]) -> None:
    row.sort(key=places.__getitem__)
    for place, item in enumerate(row):
        item.place = place


def _places(layers: Layers) -> dict[Item, int]:
    return {item: item.place for item in layers.items}


def _sweep(layers: Layers, *, forward: bool) -> None:
    for row in layers.rows if forward else reversed(layers.rows):
        means = {item: _mean(item, forward=forward) for item in row}
        row.sort(key=means.__getitem__)
        for place, item in enumerate(row):
            item.place = place


def _mean(item: Item, *, forward: bool) -> float:
    near = [link.source.place for link in item.into] if forward else [link.target.place for link in item.out]
    return sum(near) / len(near) if near else item.place


def _swap_neighbours(layers: Layers) -> bool:
    """Swap neighbours where that saves crossings; tell whether any was."""
    swapped = False
    for row in layers.rows:
        for place in range(len(row) - 1):
            above, below = row[place], row[place + 1]
            now, swapping = _between(above, below)
            if swapping < now:
                row[place], row[place + 1] = below, above
                above.place, below.place = below.place, above.place
                swapped = True
    return swapped


def _between(above: Item, below: Item) -> tuple[int, int]:
    """How often the links of two neighbours cross each other, and how often if they changed places."""
    into = _pairs([link.source.place for link in above.into], [link.source.place for link in below.into])
    out = _pairs([link.target.place for link in above.out], [link.target.place for link in below.out])
    return into[0] + out[0], into[1] + out[1]


def _pairs(above: list[int], below: list[int]) -> tuple[int, int]:
    if not above or not below:
        return 0, 0
    if len(above) == 1 and len(below) == 1:
        return above[0] > below[0], above[0] < below[0]
    below = sorted(below)
    crossings = sum(bisect_left(below, place) for place in above)
    swapped = sum(len(below) - bisect_right(below, place) for place in above)
    return crossings, swapped


def _all_crossings(layers: Layers) -> int:
    return sum(_crossings(row) for row in layers.rows)


def _crossings(row: list[Item]) -> int:
    """How many links that leave a layer cross."""
    seen: list[int] = []
    crossings = 0
    for item in row:
        targets = sorted(link.target.place for link in item.out)
        for place in targets:
            crossings += len(seen) - bisect_right(seen, place)
        for place in targets:
            insort(seen, place)
    return crossings
