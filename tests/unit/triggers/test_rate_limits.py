"""Token buckets: all or none, the time to wait, a bounded map, clocks that jump."""

from __future__ import annotations

import pytest

from flowrun.triggers.rate_limits import Rate, RateLimits, retry_after

RATE = Rate(2, 3)


def test_a_burst_then_the_rate():
    limits = RateLimits()
    assert [limits.take([("a", RATE)], 0) for _ in range(3)] == [0, 0, 0]
    assert limits.take([("a", RATE)], 0) == pytest.approx(0.5)
    assert limits.take([("a", RATE)], 0.5) == 0
    assert limits.take([("a", RATE)], 0.5) > 0
    assert [limits.take([("a", RATE)], 100) for _ in range(3)] == [0, 0, 0]
    assert limits.take([("a", RATE)], 100) > 0


def test_a_request_is_taken_by_all_or_by_none():
    limits = RateLimits()
    small = Rate(1, 1)
    assert limits.take([("a", RATE), ("b", small)], 0) == 0
    for _ in range(10):
        assert limits.take([("a", RATE), ("b", small)], 0) == 1
    assert [limits.take([("a", RATE)], 0) for _ in range(3)] == [0, 0, pytest.approx(0.5)]


def test_a_clock_set_back_neither_gives_nor_locks_out():
    limits = RateLimits()
    for _ in range(3):
        limits.take([("a", RATE)], 10_000)
    assert limits.take([("a", RATE)], 6_400) > 0
    assert limits.take([("a", RATE)], 6_400.5) == 0


def test_the_map_is_bounded_and_forgets_the_longest_unused():
    limits = RateLimits(most=3)
    for name in "abc":
        limits.take([(name, Rate(1, 1))], 0)
    limits.take([("a", Rate(1, 1))], 0)
    limits.take([("d", Rate(1, 1))], 0)
    assert len(limits) == 3
    assert limits.take([("a", Rate(1, 1))], 0) == 1
    assert limits.take([("b", Rate(1, 1))], 0) == 0


def test_a_flood_is_noted_once_in_a_while():
    limits = RateLimits()
    limits.take([("a", Rate(1, 1))], 0)
    assert [limits.to_be_noted("a", at, 10) for at in (0, 5, 9.9, 10, 11)] == [True, False, False, True, False]
    assert not limits.to_be_noted("unknown", 0, 10)


@pytest.mark.parametrize(("wait", "seconds"), [(0.001, 1), (1, 1), (1.2, 2), (59.5, 60)])
def test_the_time_to_wait_is_whole_seconds(wait, seconds):
    assert retry_after(wait) == seconds
