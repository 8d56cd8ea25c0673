"""When a schedule comes due: by cron expression, by interval, or at listed times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError
from flowrun.triggers.schedules.cron import Cron
from flowrun.triggers.schedules.zones import change_within, instant, local, milliseconds, moment, offset, zone_of

_SECOND = timedelta(seconds=1)
_LAST = 253_402_214_400_000
"""The last day of the year 9999, in ms: no arithmetic on dates goes beyond it."""


class Timing(Protocol):
    """The times of a schedule."""

    def next_after(self, at: int) -> int | None:
        """The first time after another one, both ms since the epoch; None when there is none any more."""


@dataclass(frozen=True, slots=True, eq=False)
class CronTiming:
    """A cron expression in a time zone.

    An expression that names its hours and minutes fires once when the clocks skip such a time (right after the
    gap) and once when they show it twice. Any other goes by what the clocks show: a skipped time doesn't come,
    one that is shown twice comes twice.
    """

    cron: Cron
    zone: ZoneInfo

    def next_after(self, at: int) -> int | None:
        """See `Timing`."""
        if at >= _LAST:
            return None
        after = moment(max(at, 0) // 1000 * 1000)
        if self.zone.key == "UTC":
            found = self.cron.after(after.replace(tzinfo=None))
            return None if found is None else milliseconds(found.replace(tzinfo=UTC))
        next_time = self._next_fixed(after) if self.cron.fixed else self._next_shown(after)
        return None if next_time is None else milliseconds(next_time)

    def _next_fixed(self, after: datetime) -> datetime | None:
        shown = self.cron.after(local(self.zone, after))
        while shown is not None:
            found = instant(self.zone, shown)
            if found > after:
                return found
            shown = self.cron.after(shown)  # It was shown before the clocks were put back.
        return None

    def _next_shown(self, after: datetime) -> datetime | None:
        """Search each stretch of one offset by itself."""
        begin, shift = after, offset(self.zone, after)
        shown = local(self.zone, after)
        while True:
            candidate = self.cron.after(shown)
            if candidate is None:
                return None
            found = (candidate - shift).replace(tzinfo=UTC)
            change = change_within(self.zone, begin, found)
            if change is None:
                return found
            begin, shift = change, offset(self.zone, change)
            shown = local(self.zone, change) - _SECOND  # The first second of the stretch may be a time itself.


@dataclass(frozen=True, slots=True)
class IntervalTiming:
    """Multiples of an interval since the schedule's start, both in ms: a late fire or a restart shifts nothing."""

    anchor: int
    every: int

    def next_after(self, at: int) -> int | None:
        """See `Timing`."""
        return self.anchor + self.every * max((at - self.anchor) // self.every + 1, 1)


@dataclass(frozen=True, slots=True)
class ListTiming:
    """Listed times in ms, ascending."""

    times: tuple[int, ...]

    def next_after(self, at: int) -> int | None:
        """See `Timing`."""
        place = bisect_right(self.times, at)
        return self.times[place] if place < len(self.times) else None


def timing_of(config: JsonObject, anchor: int) -> Timing:
    """The times that the checked params of a schedule node mean; `anchor` is the schedule's start in ms.

    Raises `InvalidInputError` for what was valid once: this machine doesn't know the time zone, say.
    """
    try:
        return _timing_of(config, anchor)
    except ValueError as error:
        raise InvalidInputError(f"cannot be read any more: {error}") from error


def _timing_of(config: JsonObject, anchor: int) -> Timing:
    zone = str(config.get("timezone") or "UTC")
    every, listed = config.get("every"), config.get("at")
    if isinstance(every, int | float):
        return IntervalTiming(anchor, round(every * 1000))
    if isinstance(listed, list):
        return ListTiming(tuple(sorted({_listed(str(one), zone_of(zone)) for one in listed})))
    return _cron_timing(str(config["cron"]), zone)


def next_times(timing: Timing, after: int, count: int) -> list[int]:
    """Up to `count` times after another one, in ms."""
    found: list[int] = []
    at = timing.next_after(after)
    while at is not None and len(found) < count:
        found.append(at)
        at = timing.next_after(at)
    return found


@lru_cache(maxsize=10_000)
def _cron_timing(text: str, zone: str) -> CronTiming:
    return CronTiming(Cron(text), zone_of(zone))


def _listed(text: str, zone: ZoneInfo) -> int:
    given = datetime.fromisoformat(text)
    return milliseconds(instant(zone, given) if given.tzinfo is None else given)


def timing_params(config: JsonObject) -> Sequence[object]:
    """What in the params decides over the times: two configs with equal ones share their times."""
    return [config.get(name) for name in ("cron", "every", "at", "timezone")]
