"""How long to wait before the next attempt, and whether there is one."""

from __future__ import annotations

import pytest

from flowrun.domain.definition import RetryPolicy
from flowrun.domain.node_type import Failed
from flowrun.domain.retry import MAX_RETRY_AFTER, next_wait

SCHEDULED = Failed("down", "", retryable=True, schedule=(5.0, 300.0, 86_400.0))
PLAIN = Failed("down", "", retryable=True)
STEADY = RetryPolicy(max_attempts=2, initial_interval=3.0, jitter=False)


@pytest.mark.parametrize(
    ("failed", "written", "attempt", "wait"),
    [
        (PLAIN, False, 1, 3.0),
        (PLAIN, False, 2, None),
        (SCHEDULED, False, 1, 5.0),
        (SCHEDULED, False, 2, 300.0),
        (SCHEDULED, False, 3, 86_400.0),
        (SCHEDULED, False, 4, None),
        (SCHEDULED, True, 1, 3.0),
        (SCHEDULED, True, 2, None),
        (Failed("down", "", retryable=False, schedule=(5.0,)), False, 1, None),
        (Failed("down", "", retryable=True, schedule=()), False, 1, None),
        (Failed("down", "", retryable=True, schedule=(5.0,), retry_after=60.0), False, 1, 60.0),
        (Failed("down", "", retryable=True, schedule=(500.0,), retry_after=60.0), False, 1, 500.0),
        (Failed("down", "", retryable=True, schedule=(5.0,), retry_after=1e9), False, 1, MAX_RETRY_AFTER),
    ],
)
def test_a_schedule_counts_unless_the_author_wrote_a_policy(failed, written, attempt, wait):
    assert next_wait(STEADY, failed, attempt, 0.0, written=written) == wait


def test_chance_adds_at_most_a_tenth_to_a_schedule():
    assert next_wait(STEADY, SCHEDULED, 2, 0.5, written=False) == pytest.approx(315)
    assert next_wait(STEADY, SCHEDULED, 3, 0.999, written=False) < 86_400 * 1.1


def test_a_type_that_the_policy_calls_final_is_final_on_a_schedule_too():
    policy = RetryPolicy(non_retryable=("down",))
    assert next_wait(policy, SCHEDULED, 1, 0.0, written=True) is None
