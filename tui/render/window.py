"""The stretch of time that a timeline shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from tui.render.states import moment

SHORTEST = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True)
class Window:
    """From one moment to another."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return max((self.end - self.start).total_seconds(), SHORTEST.total_seconds())

    def zoomed(self, factor: float, at: datetime | None = None) -> Window:
        """`factor` times as long, with `at`, or else the middle, where it was; never under 10 ms."""
        seconds = max(self.seconds * factor, SHORTEST.total_seconds())
        centre = at or self.start + (self.end - self.start) / 2
        share = (centre - self.start).total_seconds() / self.seconds
        start = centre - timedelta(seconds=seconds * share)
        return Window(start, start + timedelta(seconds=seconds))

    def panned(self, fraction: float) -> Window:
        """Later by that part of its length; earlier for a negative one."""
        by = timedelta(seconds=self.seconds * fraction)
        return Window(self.start + by, self.end + by)

    def cell(self, at: datetime, width: int) -> int:
        """The column of a moment when the window takes `width` of them; may be outside."""
        return int((at - self.start).total_seconds() * width // self.seconds)

    def last_cell(self, at: datetime, width: int) -> int:
        """The last column of what ends at a moment."""
        return ceil((at - self.start).total_seconds() * width / self.seconds) - 1


def full_window(runs: Iterable[Mapping[str, Any]], now: datetime) -> Window:
    """All that the node runs took, up to now when one of them still goes on."""
    begins: list[datetime] = []
    ends: list[datetime] = []
    for run in runs:
        began = moment(run.get("queued_at")) or moment(run.get("started_at"))
        if began is None:
            continue
        begins.append(began)
        ends.append(moment(run.get("finished_at")) or now)
    start = min(begins, default=now)
    return Window(start, max([*ends, start + SHORTEST]))
