"""Which containers of a JSON value are open, and what stands in each of the lines that this makes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[int, ...]
"""The places of a value in the containers around it, from the outside in."""


class Fold:
    """An open container. Only open ones exist, so that a large value costs what is seen of it."""

    def __init__(self, value: Any, parent: Fold | None = None) -> None:  # noqa: ANN401 - any JSON
        self.value = value
        self.parent = parent
        self.open: dict[int, Fold] = {}
        self._keys = list(value) if isinstance(value, dict) else None
        self._starts: list[tuple[int, int]] | None = None

    @property
    def height(self) -> int:
        """Its lines: that of the bracket, those of its values, that of the other bracket."""
        starts = self._extra()
        return 2 + len(self.value) + (starts[-1][1] if starts else 0)

    def item(self, place: int) -> tuple[str | None, Any]:
        """A value and its key, None in an array."""
        if self._keys is None:
            return None, self.value[place]
        return self._keys[place], self.value[self._keys[place]]

    def unfold(self, place: int) -> Fold:
        """Open the container at a place."""
        if place not in self.open:
            self.open[place] = Fold(self.item(place)[1], self)
            self._changed()
        return self.open[place]

    def close(self, place: int) -> None:
        """Close the container at a place."""
        if self.open.pop(place, None) is not None:
            self._changed()

    def locate(self, line: int) -> tuple[int, int]:
        """The place of the value that a line belongs to, and which line of it; lines count from the first value's."""
        starts = self._extra()
        index = bisect_right(starts, line, key=lambda start: start[0] + self._before(start)) - 1
        if index < 0:
            return line, 0
        place, total = starts[index]
        begin = place + self._before(starts[index])
        if line < begin + self.open[place].height:
            return place, line - begin
        return line - total, 0

    def line_of(self, place: int) -> int:
        """The line in which a value begins."""
        starts = self._extra()
        index = bisect_right(starts, place - 1, key=lambda start: start[0]) - 1
        return place + (starts[index][1] if index >= 0 else 0)

    def _before(self, start: tuple[int, int]) -> int:
        return start[1] - (self.open[start[0]].height - 1)

    def _extra(self) -> list[tuple[int, int]]:
        """The places of open containers, each with the lines that it and those before it have beyond their first."""
        if self._starts is None:
            total = 0
            self._starts = []
            for place in sorted(self.open):
                total += self.open[place].height - 1
                self._starts.append((place, total))
        return self._starts

    def _changed(self) -> None:
        fold: Fold | None = self
        while fold is not None:
            fold._starts = None  # noqa: SLF001 - of its own kind
            fold = fold.parent


@dataclass(frozen=True, slots=True)
class Spot:
    """What stands in a line."""

    path: Path
    key: str | None
    value: Any
    last: bool
    """No comma follows."""
    open: bool = False
    closing: bool = False
    """It is the bracket at the end of a container."""


def foldable(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether there is something inside."""
    return isinstance(value, dict | list) and bool(value)


def spot_at(root: Fold, line: int) -> Spot:
    """What stands in a line of an open root."""
    fold, path, key, last = root, (), None, True
    whole: Path = path
    while True:
        if line in (0, fold.height - 1):
            return Spot(whole, key, fold.value, last, open=True, closing=line > 0)
        place, line = fold.locate(line - 1)
        key, value = fold.item(place)
        last = place == len(fold.value) - 1
        whole = (*whole, place)
        inner = fold.open.get(place)
        if inner is None:
            return Spot(whole, key, value, last)
        fold = inner


def walk(value: Any) -> Iterator[tuple[Path, str | None, Any]]:  # noqa: ANN401 - any JSON
    """Every value with its path and key, in the order of the lines."""
    pending: list[tuple[Path, Iterator[tuple[str | None, Any]]]] = [((), iter([(None, value)]))]
    counts = [-1]
    while pending:
        path, rest = pending[-1]
        found = next(rest, None)
        if found is None:
            pending.pop()
            counts.pop()
            continue
        counts[-1] += 1
        here = (*path, counts[-1]) if len(pending) > 1 else ()
        yield here, *found
        if foldable(found[1]):
            inside = found[1]
            items = iter(inside.items()) if isinstance(inside, dict) else ((None, each) for each in inside)
            pending.append((here, items))
            counts.append(-1)
