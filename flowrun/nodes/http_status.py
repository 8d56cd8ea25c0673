"""Sets of HTTP statuses as users write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLASS = re.compile(r"([1-5])xx", re.IGNORECASE)
_RANGE = re.compile(r"([1-5]\d\d)\s*-\s*([1-5]\d\d)")
_CODE = re.compile(r"[1-5]\d\d")


def status_ranges(value: object) -> list[str]:
    """Normalise a status or a list of them (`200`, `2xx`, `200-299`) to ranges. Raises `ValueError`."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise ValueError("must name a status")
    return [_range(entry) for entry in given]


def status_fits(status: int, ranges: Sequence[str]) -> bool:
    """Tell whether a status is in one of the normalised ranges."""
    text = str(status)
    return any(entry[:3] <= text <= entry[4:] for entry in ranges)


def _range(entry: object) -> str:
    text = "" if isinstance(entry, bool) else str(entry).strip()
    if match := _CLASS.fullmatch(text):
        return f"{match[1]}00-{match[1]}99"
    if (match := _RANGE.fullmatch(text)) and match[1] <= match[2]:
        return f"{match[1]}-{match[2]}"
    if _CODE.fullmatch(text):
        return f"{text}-{text}"
    raise ValueError("must be a status such as 200, '2xx' or '200-299', or a list of those")
