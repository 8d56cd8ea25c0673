"""Compares what was expected with what is: objects by the keys that are expected of them, everything else exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flowrun.domain.json import JsonValue
from flowrun.formats.fields import join_path


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where it isn't what was expected."""

    path: str
    expected: JsonValue
    actual: JsonValue
    note: str = ""
    """What is wrong, when the values alone don't show it."""


def mismatches(expected: JsonValue, actual: JsonValue, path: str) -> Iterator[Mismatch]:
    """Every place that differs. A missing key is as good as null; numbers are equal by their value, 1 and 1.0."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            at = join_path(path, key)
            if key not in actual and value is not None:
                keys = ", ".join(actual) or "none"
                yield Mismatch(at, value, None, f"there is no such key; there are {keys}")
            else:
                yield from mismatches(value, actual.get(key), at)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield Mismatch(path, expected, actual, f"{len(expected)} expected, {len(actual)} found")
            return
        for number, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
            yield from mismatches(wanted, found, f"{path}[{number}]")
    elif not _equal(expected, actual):
        yield Mismatch(path, expected, actual)


def _equal(expected: JsonValue, actual: JsonValue) -> bool:
    # True equals 1 in Python, and not in JSON.
    return isinstance(expected, bool) is isinstance(actual, bool) and expected == actual
