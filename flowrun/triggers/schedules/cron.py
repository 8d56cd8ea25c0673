"""Reads cron expressions: five or six fields, names, `@` aliases, `L`, `LW` and `#`."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from cronsim import CronSim, CronSimError

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001 - local time; the calendar repeats within the 50 years looked at
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
LONGEST = 250


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an expression."""

    name: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """The value of a number or a name."""
        value = self.names.get(text)
        if value is None:
            value = int(text) if _NUMBER.fullmatch(text) else -1
        if not self.low <= value <= self.high:
            names = f", or {next(iter(self.names))} and so on" if self.names else ""
            raise ValueError(f"has {text!r} as the {self.name}: it is {self.low} to {self.high}{names}")
        return value


_MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY = _FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


class Cron:
    """A cron expression that comes true at some time. Raises `ValueError`, made for the user, for any other."""

    def __init__(self, text: str) -> None:
        self.fields = tuple(_fields(text))
        """Six of them, seconds first, in numbers."""
        self.fixed = not (self.fields[1].startswith("*") or self.fields[2].startswith("*"))
        """It names its hours and minutes: a change of the clocks must neither lose nor double such a time."""
        try:
            self._sim = CronSim(" ".join(self.fields), _ALWAYS)
            comes = self.after(_ALWAYS) is not None
        except CronSimError:
            comes = False
        if not comes:
            raise ValueError(f"never comes: no day fits {text!r}")

    def after(self, moment: datetime) -> datetime | None:
        """The next local time (without a zone) after another one; None when there is none in 50 years."""
        sim = copy.copy(self._sim)
        sim.dt = moment.replace(microsecond=0)
        try:
            return next(sim, None)
        except OverflowError:  # The end of the year 9999.
            return None


def _fields(text: str) -> Iterator[str]:
    if len(text) > LONGEST:
        raise ValueError(f"must have {LONGEST} characters or fewer")
    text = text.strip()
    parts = (_alias(text) if text.startswith("@") else text).upper().split()
    if len(parts) == 5:
        parts.insert(0, "0")
    if len(parts) != 6:
        found = "is empty" if not parts else f"has {len(parts)} field{'s' * (len(parts) != 1)}"
        raise ValueError(
            f"{found}: write 5 (minute, hour, day of the month, month, day of the week), or 6 with the second first"
        )
    for kind, part in zip(_FIELDS, parts, strict=True):
        terms = [_term(kind, term) for term in part.split(",")]
        yield ",".join(terms)


def _alias(text: str) -> str:
    found = ALIASES.get(text.lower())
    if found is not None:
        return found
    if text.lower().startswith("@every"):
        raise ValueError("has no @every: give `every: 5m` instead of `cron`")
    close = get_close_matches(text.lower(), ALIASES, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(f"has the unknown name {text!r}: there are {', '.join(ALIASES)}{hint}")


def _term(kind: _Field, term: str) -> str:
    """One term of a list, in numbers."""
    if term == "*" or (term == "?" and kind in (DAY, WEEKDAY)):
        return "*"
    if not term:
        raise ValueError(f"has an empty place in its {kind.name}")
    if kind is DAY and ("L" in term or "W" in term):
        return _special_day(term)
    if kind is WEEKDAY and "#" in term:
        return _nth_weekday(term)
    if kind is WEEKDAY and term not in _DAYS and term.endswith("L"):
        return _last_weekday(term)
    base, slash, step = term.partition("/")
    if not slash:
        return _range(kind, base)
    if base == "?":
        base = "*"
    return f"{base if base == '*' else _range(kind, base)}/{_step(kind, step)}"


def _range(kind: _Field, text: str) -> str:
    first, dash, last = text.partition("-")
    begin = kind.number(first)
    if not dash:
        return str(begin)
    end = kind.number(last)
    if kind is WEEKDAY and end == 0 and begin > 0:
        end = 7  # A week may end on Sunday as well as begin with it.
    if end < begin:
        raise ValueError(
            f"has the range {text!r} as the {kind.name}, which goes backwards: write two, "
            f"{first}-{kind.high if kind is not WEEKDAY else 6},{kind.low}-{last}"
        )
    return f"{begin}-{end}"


def _step(kind: _Field, text: str) -> int:
    step = int(text) if _NUMBER.fullmatch(text) else 0
    size = kind.high - kind.low + 1
    if step < 1:
        raise ValueError(f"has the step {text!r} in its {kind.name}: it is a number from 1")
    if step > size:
        raise ValueError(
            f"has the step {step} in its {kind.name}, more than there are: "
            "for an interval that doesn't divide the next larger unit, give `every` instead of `cron`"
        )
    return step


def _special_day(term: str) -> str:
    if term in {"L", "LW"}:
        return term
    if term == "WL":
        return "LW"
    raise ValueError(
        f"has {term!r} as the day of the month: there are L (the last day) and LW (the last weekday), "
        "no days before the last and no nearest weekday"
    )


def _nth_weekday(term: str) -> str:
    day, _, which = term.partition("#")
    if which not in {"1", "2", "3", "4", "5"}:
        raise ValueError(f"has {term!r} as the day of the week: write MON#1 to MON#5 for the first to the fifth Monday")
    return f"{WEEKDAY.number(day)}#{which}"


def _last_weekday(term: str) -> str:
    day = term.removesuffix("L")
    if not day:
        raise ValueError("has 'L' as the day of the week: write 5L for the last Friday of the month")
    return f"{WEEKDAY.number(day)}L"
