"""The row of every item: lanes and main lines straight, the rest as close to its neighbours as there is room."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median_high, median_low

from tui.render.items import Item, Layers, Link

ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows an item takes above and below the row of its links."""

    above: int
    below: int


@dataclass(slots=True, eq=False)
class _Block:
    """Items of neighbouring layers that share a row."""

    items: list[Item] = field(default_factory=list)
    row: int = 0
    over: dict[_Block, int] = field(default_factory=dict)
    """The blocks right above, and how far away they must be."""
    under: dict[_Block, int] = field(default_factory=dict)
    near: list[_Block] = field(default_factory=list)
    """Those that links lead to."""


def rows_of(layers: Layers, extent: Callable[[Item], Extent], gap: int) -> dict[Item, int]:
    """The row in which each item's links arrive and leave. `gap` is how many rows stay free between items."""
    blocks = _blocks(layers)
    _stack(layers, blocks, extent, gap)
    order = _from_above(blocks.values())
    for block in order:
        block.row = max([extent_above(block, extent), *(other.row + away for other, away in block.over.items())])
    for number in range(ROUNDS):
        if not _draw_near(order if number % 2 else order[::-1]):
            break
    top = min((block.row - extent_above(block, extent) for block in order), default=0)
    return {item: block.row - top for item, block in blocks.items()}


def extent_above(block: _Block, extent: Callable[[Item], Extent]) -> int:
    """How many rows the tallest item of a block takes above its links."""
    return max(extent(item).above for item in block.items)


def _blocks(layers: Layers) -> dict[Item, _Block]:
    blocks: dict[Item, _Block] = {}
    for row in layers.rows:
        straight = _straight(row)
        for item in row:
            link = straight.get(item)
            block = blocks[item] = blocks[link.source] if link is not None else _Block()
            block.items.append(item)
    return blocks


def _straight(row: list[Item]) -> dict[Item, Link]:
    """Links into a layer that are drawn straight: at most one for each end, and none across another."""
    chosen: dict[Item, Link] = {}
    places: list[tuple[int, int]] = []
    # First lanes, then what each side likes best, then whatever else is left over.
    rest = sorted((link for item in row for link in item.into), key=lambda link: link.error)
    for candidates in ([link for item in row for link in item.into if link.inner], _mutual(row), rest):
        for link in candidates:
            pair = (link.source.place, link.target.place)
            at = bisect_left(places, pair)
            # They are in order of both ends, so that only the neighbours need a look.
            after = at == 0 or (places[at - 1][0] < pair[0] and places[at - 1][1] < pair[1])
            before = at == len(places) or (pair[0] < places[at][0] and pair[1] < places[at][1])
            if after and before:
                places.insert(at, pair)
                chosen[link.target] = link
    return chosen


def _mutual(row: list[Item]) -> list[Link]:
    """For each source the middle one of the targets that would have it as their straight parent."""
    wanted: dict[Item, list[Link]] = {}
    for item in row:
        links = _main(item.into)
        if links:
            link = sorted(links, key=lambda link: link.source.place)[(len(links) - 1) // 2]
            wanted.setdefault(link.source, []).append(link)
    return [_middle(_main(links)) for links in wanted.values()]


def _middle(links: list[Link]) -> Link:
    return links[(len(links) - 1) // 2]


def _main(links: list[Link]) -> list[Link]:
    """Without error edges and lanes, when there are others: the main line is the straight one."""
    plain = [link for link in links if not link.error] or links
    return [link for link in plain if link.source.node is not None and link.target.node is not None] or plain


def _stack(layers: Layers, blocks: Mapping[Item, _Block], extent: Callable[[Item], Extent], gap: int) -> None:
    for row in layers.rows:
        for above, below in pairwise(row):
            away = extent(above).below + 1 + gap + extent(below).above
            upper, lower = blocks[above], blocks[below]
            lower.over[upper] = max(away, lower.over.get(upper, 0))
            upper.under[lower] = lower.over[upper]
        for item in row:
            for link in item.out:
                source, target = blocks[link.source], blocks[link.target]
                if source is not target:
                    source.near.append(target)
                    target.near.append(source)


def _from_above(blocks: Iterable[_Block]) -> list[_Block]:
    """Each block after all that are above it."""
    every = dict.fromkeys(blocks)
    waiting = {block: len(block.over) for block in every}
    order = [block for block in every if not waiting[block]]
    for block in order:
        for below in block.under:
            waiting[below] -= 1
            if not waiting[below]:
                order.append(below)
    return order


def _draw_near(order: Iterable[_Block]) -> bool:
    """Move blocks towards the middle of their neighbours as far as there is room; tell whether any moved."""
    moved = False
    for block in order:
        if not block.near:
            continue
        rows = [other.row for other in block.near]
        wanted = min(max(block.row, median_low(rows)), median_high(rows))
        row = min([wanted, *(other.row - away for other, away in block.under.items())])
        row = max([row, *(other.row + away for other, away in block.over.items())])
        moved = moved or row != block.row
        block.row = row
    return moved
