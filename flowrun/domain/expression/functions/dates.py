"""Functions on dates, which are RFC 3339 text in UTC, and durations, which are milliseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.instants import (
    UNITS,
    duration,
    from_milliseconds,
    instant,
    to_milliseconds,
    write,
    zone_of,
)
from flowrun.domain.expression.operators import number
from flowrun.domain.expression.table import Group
from flowrun.domain.expression.values import JsonValue

GROUP = Group("Dates")

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Not strftime: that one depends on the C library and its locale, and takes widths of any size.
_DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "m": lambda moment: f"{moment.month:02}",
    "d": lambda moment: f"{moment.day:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "I": lambda moment: f"{(moment.hour + 11) % 12 + 1:02}",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "f": lambda moment: f"{moment.microsecond:06}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "B": lambda moment: _MONTHS[moment.month - 1],
    "b": lambda moment: _MONTHS[moment.month - 1][:3],
    "A": lambda moment: _DAYS[moment.weekday()],
    "a": lambda moment: _DAYS[moment.weekday()][:3],
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "u": lambda moment: str(moment.isoweekday()),
    "V": lambda moment: f"{moment.isocalendar().week:02}",
    "G": lambda moment: f"{moment.isocalendar().year:04}",
    "Z": lambda moment: moment.tzname() or "",
    "z": lambda moment: moment.strftime("%z"),
    "%": lambda _moment: "%",
}


@GROUP.function("now", "len(now()) → 24")
def now(frame: Frame) -> str:
    """The time at which the evaluation happens; the same wherever it is asked for in one evaluation."""
    frame.charge(10)
    return write(from_milliseconds(frame.now))


@GROUP.function("date", 'date("2026-03-01", "Europe/Berlin") → "2026-02-28T23:00:00.000Z"')
def date(frame: Frame, value: str | float, tz: str = "UTC") -> str:
    """The date that a text (in a time zone, unless it has an offset) or milliseconds since 1970 stand for."""
    frame.charge(40)
    return write(instant(value, _zone(frame, tz)))


@GROUP.function("to_iso", 'to_iso(0) → "1970-01-01T00:00:00.000Z"')
def to_iso(frame: Frame, value: str | float) -> str:
    """The same as date(), for UTC."""
    return date(frame, value)


@GROUP.function(
    "format_date", 'format_date("2026-03-01T12:30:00Z", "%d.%m.%Y %H:%M", "Asia/Tokyo") → "01.03.2026 21:30"'
)
def format_date(frame: Frame, value: str | float, pattern: str, tz: str = "UTC") -> str:
    """A date in a time zone written after a pattern: %Y-%m-%d %H:%M:%S, %y %I %p %f %B %b %A %a %j %u %V %G %Z %z."""
    frame.charge(40 + len(pattern))
    try:
        moment = instant(value).astimezone(_zone(frame, tz))
    except OverflowError:
        raise ExpressionError("this date is not in the years 1 to 9999") from None
    return _DIRECTIVE.sub(lambda found: _directive(found.group(1), moment), pattern)


def _directive(letter: str, moment: datetime) -> str:
    if letter not in _DIRECTIVES:
        raise ExpressionError(f"%{letter} is not part of a date pattern")
    return _DIRECTIVES[letter](moment)


@GROUP.function("date_add", 'date_add("2026-03-01", "1h30m") → "2026-03-01T01:30:00.000Z"')
def date_add(frame: Frame, value: str | float, time: str | float) -> str:
    """The date so much later (earlier with "-1d"); a number is milliseconds."""
    frame.charge(40)
    try:
        return write(instant(value) + timedelta(milliseconds=duration(time)))
    except OverflowError:
        raise ExpressionError("this date is not in the years 1 to 9999") from None


@GROUP.function("add_time", 'add_time("2026-03-01", "-1d") → "2026-02-28T00:00:00.000Z"')
def add_time(frame: Frame, value: str | float, time: str | float) -> str:
    """The same as date_add()."""
    return date_add(frame, value, time)


@GROUP.function("date_diff", 'date_diff("2026-03-02", "2026-03-01", "h") → 24')
def date_diff(frame: Frame, later: str | float, earlier: str | float, unit: str = "ms") -> JsonValue:
    """The time from the earlier date to the later one, in ms, s, m, h, d or w."""
    frame.charge(40)
    return _in_unit(to_milliseconds(instant(later)) - to_milliseconds(instant(earlier)), unit)


@GROUP.function("parse_duration", 'parse_duration("1h30m") → 5400000')
def parse_duration(frame: Frame, text: str | float, unit: str = "ms") -> JsonValue:
    """A duration made of numbers and ms, s, m, h, d or w, counted in one of them."""
    frame.charge(40)
    return _in_unit(duration(text), unit)


@GROUP.function("to_timestamp", 'to_timestamp("1970-01-02") → 86400000')
def to_timestamp(frame: Frame, value: str | float, unit: str = "ms") -> JsonValue:
    """The time from 1970 to a date, in ms, s, m, h, d or w."""
    frame.charge(40)
    return _in_unit(to_milliseconds(instant(value)), unit)


@GROUP.function("from_timestamp", 'from_timestamp(86400, "s") → "1970-01-02T00:00:00.000Z"')
def from_timestamp(frame: Frame, value: float, unit: str = "ms") -> str:
    """The date so much time after 1970, in ms, s, m, h, d or w."""
    frame.charge(40)
    return write(from_milliseconds(value * _milliseconds(unit)))


def _zone(frame: Frame, name: str) -> tzinfo:
    if name != "UTC":
        # The first use in a process reads a file.
        frame.charge_once(f"zone {name[:64]}", 1000)
    return zone_of(name[:64])


def _in_unit(milliseconds: float, unit: str) -> JsonValue:
    size = _milliseconds(unit)
    whole, rest = divmod(milliseconds, size)
    return number(int(whole) if rest == 0 else milliseconds / size)


def _milliseconds(unit: str) -> int:
    if unit not in UNITS:
        raise ExpressionError(f"a unit of time is one of {', '.join(UNITS)}")
    return UNITS[unit]
