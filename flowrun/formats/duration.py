"""Durations as people write them: a number of seconds, or `30s`, `5m`, `1h30m`, `500ms`."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)", re.ASCII)
_WHOLE = re.compile(r"(?:\d{1,12}(?:\.\d{1,9})?(?:ms|s|m|h|d))+", re.ASCII)
_HINT = 'write a number of seconds, or a text such as "30s", "5m", "1h30m" or "500ms"'
LONGEST = 10 * 365 * 86_400.0
"""Ten years, in seconds: anything longer is a slip of the pen and would overflow arithmetic on timestamps."""


def parse_duration(value: object) -> float:
    """Seconds of a duration. Raises `ValueError`, its text made for the user, when it is none."""
    if isinstance(value, str):
        seconds = _from_text(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = _from_number(value)
    else:
        raise ValueError(f"is not a duration: {_HINT}")  # noqa: TRY004 - callers expect one kind of error
    if seconds > LONGEST:
        raise ValueError("is longer than ten years")
    return seconds


def _from_number(value: float) -> float:
    try:
        seconds = float(value)
    except OverflowError:
        seconds = LONGEST + 1 if value > 0 else -1.0
    if not math.isfinite(seconds):
        raise ValueError(f"is not a duration: {_HINT}")
    if seconds < 0:
        raise ValueError("must not be negative")
    return seconds


def _from_text(text: str) -> float:
    compact = text.strip()
    if compact.startswith("-"):
        raise ValueError("must not be negative")
    if not _WHOLE.fullmatch(compact):
        raise ValueError(f"is not a duration: {_HINT}")
    total = sum((Decimal(amount) * _MILLISECONDS[unit] for amount, unit in _PART.findall(compact)), Decimal(0))
    # Decimal all the way, so that "100ms" and 0.1 are the same float.
    return float(total / 1000)


def format_duration(seconds: float) -> str | float:
    """The shortest text that reads back as the same number; the number itself when it is finer than a millisecond."""
    milliseconds = round(seconds * 1000)
    if milliseconds / 1000 != seconds or milliseconds < 0:
        return seconds
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        amount, milliseconds = divmod(milliseconds, _MILLISECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
