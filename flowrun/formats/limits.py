"""What a document may weigh; more is refused at the door, never half-way."""

from __future__ import annotations

import math

from flowrun.errors import MalformedError, TooLargeError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_NODES = 5_000
MAX_EDGES = 20_000
SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**63 - 1


def check_depth(depth: int) -> None:
    """Raise `TooLargeError` when objects and lists are nested more than 64 deep."""
    if depth > MAX_DEPTH:
        raise TooLargeError(f"The document is nested more than {MAX_DEPTH} levels deep.")


def check_count(values: int) -> None:
    """Raise `TooLargeError` when there are more than 100,000 values."""
    if values > MAX_VALUES:
        raise TooLargeError(f"The document has more than {MAX_VALUES:,} values.")


def integer(digits: str, base: int = 10) -> int:
    """The integer of a text of digits. Raises `MalformedError` beyond 64 bits."""
    # The length first: converting a million digits takes seconds.
    value = int(digits, base) if len(digits) <= 70 else None
    if value is None or not SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        raise MalformedError(f"The integer {digits[:24]}… does not fit in 64 bits; write it as a text.")
    return value


def number(digits: str) -> float:
    """The float of a text of digits. Raises `MalformedError` when it is infinite."""
    value = float(digits)
    if not math.isfinite(value):
        raise MalformedError(f"The number {digits[:24]} is too large.")
    return value


def text(value: str) -> str:
    """The text itself. Raises `MalformedError` when it has the character U+0000, which databases refuse."""
    if "\x00" in value:
        raise MalformedError("The document contains the character U+0000.")
    return value
