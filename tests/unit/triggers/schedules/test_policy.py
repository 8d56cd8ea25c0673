"""What becomes of times that have come due: misfire, grace and overlap, decided purely."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.triggers.schedules.policy import (
    MOST_AT_ONCE,
    STARTS,
    Decision,
    Misfire,
    Overlap,
    Policy,
    decide_fires,
    latest,
)
from flowrun.triggers.schedules.timing import IntervalTiming, ListTiming, next_times, timing_of

MINUTE = 60_000
EVERY_MINUTE = IntervalTiming(0, MINUTE)


def plan(misfire="coalesce", overlap="allow", *, now, due=MINUTE, max_n=3, running=False, queued=False, timing=None):
    policy = Policy(Misfire(misfire), max_n, 60_000, Overlap(overlap))
    return decide_fires(timing or EVERY_MINUTE, policy, due, now, running=running, queued=queued)


def shown(found):
    return [(fire.scheduled_at // MINUTE, fire.decision.value) for fire in found.fires]


def test_a_time_that_is_due_fires_and_the_next_one_is_known():
    found = plan(now=MINUTE + 5)
    assert shown(found) == [(1, "fired")]
    assert found.next_at == 2 * MINUTE


@pytest.mark.parametrize("misfire", list(Misfire))
def test_within_the_grace_nothing_is_a_misfire(misfire):
    found = plan(misfire, now=2 * MINUTE)
    assert shown(found) == [(1, "fired"), (2, "fired")]


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        ("skip", [*((at, "skipped_misfire") for at in range(1, 9)), (9, "fired"), (10, "fired")]),
        ("coalesce", [*((at, "coalesced") for at in range(1, 10)), (10, "fired")]),
        ("all", [*((at, "skipped_misfire") for at in range(1, 8)), (8, "fired"), (9, "fired"), (10, "fired")]),
    ],
)
def test_after_a_stop_the_policy_decides_and_every_time_has_its_row(misfire, expected):
    found = plan(misfire, now=10 * MINUTE)
    assert shown(found) == expected
    assert found.next_at == 11 * MINUTE
    assert all(fire.reason for fire in found.fires if fire.decision not in STARTS)


def test_one_missed_time_is_fired_late_unless_it_is_to_be_skipped():
    times = ListTiming((MINUTE,))
    late = 600 * MINUTE
    assert shown(plan("coalesce", now=late, timing=times)) == [(1, "fired")]
    assert shown(plan("all", now=late, timing=times)) == [(1, "fired")]
    assert shown(plan("skip", now=late, timing=times)) == [(1, "skipped_misfire")]
    assert plan("skip", now=late, timing=times).next_at is None


@pytest.mark.parametrize("misfire", list(Misfire))
def test_a_year_of_missed_seconds_is_one_row_and_no_long_walk(misfire):
    asked = 0

    class Counting(IntervalTiming):
        def next_after(self, at):
            nonlocal asked
            asked += 1
            return super().next_after(at)

    now = 365 * 86_400_000
    found = plan(misfire, now=now, due=1000, timing=Counting(0, 1000))
    passed, *fired = found.fires
    assert passed.through is not None
    assert passed.scheduled_at == 1000
    assert fired[0].scheduled_at == passed.through + 1000
    assert fired[-1].scheduled_at == now
    assert len(fired) == {"skip": 61, "coalesce": 1, "all": 3}[misfire.value]
    assert asked < 2000


def test_one_turn_decides_over_a_bounded_number_of_times():
    policy = Policy(Misfire.ALL, 1000, 86_400_000, Overlap.ALLOW)
    found = decide_fires(IntervalTiming(0, 1000), policy, 1000, 5_000_000, running=False, queued=False)
    assert len(found.fires) == MOST_AT_ONCE
    assert found.next_at == (MOST_AT_ONCE + 1) * 1000


@pytest.mark.parametrize(
    ("overlap", "running", "queued", "expected"),
    [
        ("allow", True, False, "fired"),
        ("skip", False, False, "fired"),
        ("skip", True, False, "skipped_overlap"),
        ("queue", False, False, "fired"),
        ("queue", True, False, "queued"),
        ("queue", True, True, "skipped_overlap"),
        ("queue", False, True, "skipped_overlap"),
        ("cancel_previous", False, False, "fired"),
        ("cancel_previous", True, False, "cancelled_previous"),
    ],
)
def test_overlap(overlap, running, queued, expected):
    found = plan(overlap=overlap, now=MINUTE, running=running, queued=queued)
    assert shown(found) == [(1, expected)]


def test_what_is_fired_counts_as_running_for_the_times_after_it():
    assert shown(plan("all", "skip", now=2 * MINUTE)) == [(1, "fired"), (2, "skipped_overlap")]
    assert shown(plan("all", "queue", now=3 * MINUTE, due=MINUTE)) == [
        (1, "fired"),
        (2, "queued"),
        (3, "skipped_overlap"),
    ]
    assert shown(plan("all", "cancel_previous", now=2 * MINUTE)) == [(1, "fired"), (2, "cancelled_previous")]


@given(
    st.sampled_from(list(Misfire)),
    st.sampled_from(list(Overlap)),
    st.integers(1, 400),
    st.integers(0, 300_000),
    st.integers(1, 20),
    st.booleans(),
)
def test_every_time_is_decided_over_exactly_once(misfire, overlap, minutes, grace, max_n, running):
    """The rows and what they stand for are the times up to now, in order, with nothing twice and nothing left out."""
    policy, now = Policy(misfire, max_n, grace, overlap), minutes * MINUTE + 17
    found = decide_fires(EVERY_MINUTE, policy, MINUTE, now, running=running, queued=False)
    covered = [
        at for fire in found.fires for at in range(fire.scheduled_at, (fire.through or fire.scheduled_at) + 1, MINUTE)
    ]
    assert covered == [minute * MINUTE for minute in range(1, minutes + 1)]
    assert found.next_at == (minutes + 1) * MINUTE
    assert sum(fire.decision is Decision.QUEUED for fire in found.fires) <= 1
    for fire in found.fires:
        if fire.decision is Decision.SKIPPED_MISFIRE and misfire is Misfire.SKIP:
            assert (fire.through or fire.scheduled_at) < now - grace


@given(st.integers(1, 500), st.integers(1, 30), st.sampled_from(["*/7 * * * *", "0 9 * * 1-5", "30 2 * * *"]))
def test_the_latest_times_are_found_without_walking(steps, count, cron):
    timing = timing_of({"cron": cron, "timezone": "Europe/Berlin"}, 0)
    times = next_times(timing, 1_770_000_000_000, steps)
    assert latest(timing, times[0], times[-1], count) == times[-count:][0]
    assert latest(timing, times[0], times[-1] + 1, count) == times[-count:][0]
