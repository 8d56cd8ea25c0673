"""Durations in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.formats.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0),
        (30, 30),
        (0.25, 0.25),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("2d", 172_800),
        (" 1h 30m ".replace(" 3", "3"), 5400),
        ("100ms", 0.1),
    ],
)
def test_reads(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "is not a duration"),
        ("30", "is not a duration"),
        ("5 minutes", "is not a duration"),
        ("٣s", "is not a duration"),
        ("1e3s", "is not a duration"),
        (True, "is not a duration"),
        (None, "is not a duration"),
        ([], "is not a duration"),
        (float("nan"), "is not a duration"),
        (float("inf"), "is not a duration"),
        (-1, "must not be negative"),
        ("-5s", "must not be negative"),
        (10**400, "is longer than ten years"),
        ("99999d", "is longer than ten years"),
        ("9" * 5000 + "s", "is not a duration"),
    ],
)
def test_refuses(written, message):
    with pytest.raises(ValueError, match=message):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (0.5, "500ms"), (90, "1m30s"), (5400, "1h30m"), (86_400, "1d"), (0.0001, 0.0001)],
)
def test_writes(seconds, written):
    assert format_duration(seconds) == written


@given(st.floats(min_value=0, max_value=1e8) | st.integers(0, 10**11).map(lambda ms: ms / 1000))
def test_reads_what_it_writes(seconds):
    assert parse_duration(format_duration(seconds)) == seconds
