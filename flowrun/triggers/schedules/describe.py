"""Schedules in words: what a cron expression, an interval or a list of times means to a reader."""

from __future__ import annotations

import re
from datetime import datetime

from cronsim import CronSim

from flowrun.domain.json import JsonObject
from flowrun.formats.duration import format_duration
from flowrun.triggers.schedules.cron import Cron

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PLAIN = re.compile(r"\d+")
_EVERY = re.compile(r"\*(?:/(\d+))?")
_ANY = ("*", "*", "*")


def describe(config: JsonObject) -> str:
    """The times of a schedule's checked params, e.g. `at 09:00 on weekdays, Europe/Berlin`."""
    every, listed = config.get("every"), config.get("at")
    zone = str(config.get("timezone") or "UTC")
    if isinstance(every, int | float):
        return _interval(every)
    if isinstance(listed, list):
        times = [str(one) for one in listed]
        local = any(datetime.fromisoformat(one).tzinfo is None for one in times)
        words = f"at {times[0]}" if len(times) == 1 else f"at {len(times)} listed times"
        return f"{words}, {zone}" if local else words
    return f"{_cron(Cron(str(config['cron'])))}, {zone}"


def _interval(seconds: float) -> str:
    for size, unit in _UNITS:
        count, rest = divmod(round(seconds), size)
        if count and not rest:
            return _every(count, unit)
    return f"every {format_duration(seconds)}"


def _every(count: int, unit: str) -> str:
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def _cron(cron: Cron) -> str:
    second, minute, hour, day, month, weekday = cron.fields
    if (day, month, weekday) == _ANY:
        repeated = _repeated(second, minute, hour)
        if repeated is not None:
            return repeated
    times = _times(second, minute, hour)
    days = _days(day, month, weekday)
    if times is not None and days is not None:
        return f"{times} {days}"
    words = CronSim(" ".join(cron.fields), datetime(2000, 1, 1)).explain()  # noqa: DTZ001 - no time is asked for
    return words[:1].lower() + words[1:].replace("Monday through Friday", "weekdays")


def _repeated(second: str, minute: str, hour: str) -> str | None:
    """`every 5 minutes`, when the steps divide their unit evenly."""
    for text, larger, smaller, unit, size in (
        (second, (minute, hour), (), "second", 60),
        (minute, (hour,), (second,), "minute", 60),
        (hour, (), (second, minute), "hour", 24),
    ):
        step = _EVERY.fullmatch(text)
        if step is None or set(larger) - {"*"} or set(smaller) - {"0"}:
            continue
        count = int(step[1] or 1)
        if size % count == 0 and count < size:
            return _every(count, unit)
    return None


def _times(second: str, minute: str, hour: str) -> str | None:
    """`at 09:00 and 17:00`, when there are a few fixed ones."""
    hours = hour.split(",")
    if not (_PLAIN.fullmatch(second) and _PLAIN.fullmatch(minute) and all(map(_PLAIN.fullmatch, hours))):
        return None
    if len(hours) > 4:
        return None
    seconds = "" if second == "0" else f":{int(second):02}"
    return f"at {_and([f'{int(one):02}:{int(minute):02}{seconds}' for one in sorted(set(hours), key=int)])}"


def _days(day: str, month: str, weekday: str) -> str | None:
    """The days in words, where words are shorter than what the general explanation gives."""
    if (day, month, weekday) == _ANY:
        return "every day"
    if (day, month) != _ANY[:2]:
        return None
    if weekday in {"1-5", "1,2,3,4,5"}:
        return "on weekdays"
    if weekday in {"0,6", "6,0", "6,7", "6-7"}:
        return "on Saturdays and Sundays"
    days = weekday.split(",")
    if all(map(_PLAIN.fullmatch, days)):
        return f"on {_and([f'{_DAYS[int(one)]}s' for one in days])}"
    return None


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
