"""Time zones: the instants of local times, right where the clocks are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name of a zone by its lower-case form."""
    return {name.lower(): name for name in available_timezones() if name[0].isupper()}


@lru_cache(maxsize=1000)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises `ValueError`, its text made for the user."""
    known = _names()
    if known.get(name.lower()) == name:
        return ZoneInfo(name)
    right = known.get(name.lower())
    cities = {one.rpartition("/")[2]: one for one in known}
    asked = name.lower().strip().replace(" ", "_")
    if right is None and asked:
        close = get_close_matches(asked, known, n=1, cutoff=0.75) or get_close_matches(asked, cities, n=1, cutoff=0.8)
        right = known[cities.get(close[0], close[0])] if close else None
    hint = f" (did you mean {right!r}?)" if right else ""
    raise ValueError(f"is no time zone: write a name such as 'Europe/Berlin' or 'UTC'{hint}")


def moment(at: int) -> datetime:
    """Milliseconds since the epoch as a time in UTC."""
    return EPOCH + timedelta(milliseconds=at)


def milliseconds(at: datetime) -> int:
    """A time with a zone as milliseconds since the epoch."""
    return (at - EPOCH) // _MILLISECOND


def local(zone: ZoneInfo, at: datetime) -> datetime:
    """What clocks show at an instant, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None)


def instant(zone: ZoneInfo, shown: datetime) -> datetime:
    """When clocks show a local time, in UTC: the first time when they do twice, the end of the gap when they never do.

    `shown` has no zone.
    """
    first = shown.replace(tzinfo=zone).astimezone(UTC)
    if local(zone, first) == shown:
        return first
    # In a gap the two readings lie on either side of the change.
    second = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _bisect(zone, second, first)


def change_within(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """The first instant after `begin`, up to `end`, at which the zone's offset is another; both in UTC."""
    while begin < end:
        step = min(begin + _DAY, end)
        if offset(zone, step) != offset(zone, begin):
            return _bisect(zone, begin, step)
        begin = step
    return None


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """The zone's offset from UTC at an instant."""
    return at.astimezone(zone).utcoffset() or timedelta()


def _bisect(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with another offset than `before`."""
    old = offset(zone, before)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after
