"""Dates as values: RFC 3339 text in UTC with milliseconds, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from flowrun.domain.expression.errors import ExpressionError

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
"""Milliseconds in each unit of a duration."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_DURATION = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{1,9})?(?:ms|[smhdw]) ?)+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)


def instant(value: str | float, zone: tzinfo = UTC) -> datetime:
    """Return the moment that a date text or a number of milliseconds since 1970 stands for, in UTC.

    A text without an offset is in the given zone. Raises ExpressionError.
    """
    if not isinstance(value, str):
        return from_milliseconds(value)
    match = _DATE.fullmatch(value) if len(value) <= 40 else None
    if match is None:
        raise ExpressionError(f"{value[:40]!r} is not a date such as 2026-03-01T12:30:00Z")
    year, month, day, hour, minute, second = (
        int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    microsecond = int((match["fraction"] or "").ljust(6, "0")[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, microsecond, _offset(match["zone"], zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ExpressionError(f"{value!r} is not a date that exists") from None


def from_milliseconds(value: float) -> datetime:
    """Return the moment so many milliseconds after 1970 began in UTC; raises ExpressionError."""
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        raise ExpressionError("this date is not in the years 1 to 9999") from None


def to_milliseconds(moment: datetime) -> int:
    """Return the milliseconds since 1970 began in UTC, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def write(moment: datetime) -> str:
    """Return a moment as RFC 3339 text in UTC, such as 2026-03-01T12:30:00.000Z."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def duration(value: str | float) -> float:
    """Return the milliseconds of a duration such as "1h30m" or "-2.5d", or of a number of milliseconds.

    Raises ExpressionError.
    """
    if not isinstance(value, str):
        return value
    text = value.strip() if len(value) <= 100 else ""
    if not _DURATION.fullmatch(text):
        raise ExpressionError(f'{value[:40]!r} is not a duration such as "1h30m"; units are {", ".join(UNITS)}')
    total = sum((float(amount) * UNITS[unit] for amount, unit in _DURATION_PART.findall(text)), 0.0)
    total = -total if text.startswith("-") else total
    return int(total) if total.is_integer() else total


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name, such as Europe/Berlin; raises ExpressionError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ExpressionError(f"there is no time zone {name!r}") from None


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text in {"Z", "z"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
