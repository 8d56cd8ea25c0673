"""How long to wait before the next attempt."""

from __future__ import annotations

from flowrun.domain.definition import RetryPolicy
from flowrun.domain.node_type import Failed

MAX_RETRY_AFTER = 86_400.0
"""Seconds; what a server asks for beyond a day is not waited for."""
_SPREAD = 0.1
"""The part of a scheduled wait that chance may add to it."""


def next_wait(policy: RetryPolicy, failed: Failed, attempt: int, draw: float, *, written: bool) -> float | None:
    """Seconds between the end of attempt number `attempt` (from 1) and the next one; None when there is none.

    `written` says that the node's author wrote the policy, which then counts more than the failure's own schedule.
    `draw` is a random number in [0, 1).
    """
    if not failed.retryable or failed.type in policy.non_retryable:
        return None
    if failed.schedule is not None and not written:
        if attempt > len(failed.schedule):
            return None
        wait = failed.schedule[attempt - 1] * (1 + _SPREAD * draw)
        return max(wait, min(failed.retry_after or 0.0, MAX_RETRY_AFTER))
    if attempt >= policy.max_attempts:
        return None
    return next_interval(policy, attempt, draw, failed.retry_after)


def next_interval(policy: RetryPolicy, attempt: int, draw: float, retry_after: float | None = None) -> float:
    """Seconds between the end of attempt number `attempt` (from 1) and the next one.

    `draw` is a random number in [0, 1): with full jitter the wait is that part of the interval. A server's own
    `retry_after` (seconds) is the least that is waited.
    """
    # Beyond some sixty doublings every interval is the largest one; a float power would overflow.
    interval = min(policy.initial_interval * policy.backoff ** min(attempt - 1, 64), policy.max_interval)
    if policy.jitter:
        interval *= draw
    if retry_after is not None:
        interval = max(interval, min(retry_after, MAX_RETRY_AFTER))
    return interval
