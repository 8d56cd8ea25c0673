"""Small measures that cost next to nothing to take: how many a second, and how long things took lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from flowrun.domain.json import JsonObject

RATE_SECONDS = 10
"""What a rate is the mean of."""
_SLOTS = 16
"""Seconds that are kept; a power of two that holds the running one beside `RATE_SECONDS` whole ones."""
_SAMPLES = 500


class Rate:
    """How often something happens, in the last whole seconds."""

    __slots__ = ("_counts", "_seconds", "total")

    def __init__(self) -> None:
        self._counts = [0] * _SLOTS
        self._seconds = [0] * _SLOTS
        """Which second each count is of."""
        self.total = 0
        """How often it ever happened."""

    def add(self, count: int, at: int) -> None:
        """It has happened so often, `at` ms since the epoch."""
        self.total += count
        second = at // 1000
        slot = second % _SLOTS
        if self._seconds[slot] == second:
            self._counts[slot] += count
        else:
            self._seconds[slot], self._counts[slot] = second, count

    def per_second(self, now: int) -> float:
        """The mean of the last `RATE_SECONDS` seconds before the running one."""
        second = now // 1000
        found = sum(
            count for at, count in zip(self._seconds, self._counts, strict=True) if second - RATE_SECONDS <= at < second
        )
        return round(found / RATE_SECONDS, 1)


class Durations:
    """How long the latest ones took. Adding is safe from any one thread."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, seconds: float) -> None:
        """One more."""
        self._latest.append(seconds)

    def document(self) -> JsonObject:
        """Half of them, and 99 of 100, took no longer; in seconds, None when there was none."""
        latest = sorted(self._latest.copy())
        return {"p50": _rank(latest, 50), "p99": _rank(latest, 99)}


def _rank(ordered: list[float], percent: int) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) * percent // 100, len(ordered) - 1)], 6)


def total(rates: Iterable[Rate], now: int) -> float:
    """Of several together."""
    return round(sum((rate.per_second(now) for rate in rates), 0.0), 1)
