"""How long to wait before the next attempt."""

from __future__ import annotations

from flowrun.domain.definition import RetryPolicy

MAX_RETRY_AFTER = 86_400.0
"""Seconds; what a server asks for beyond a day is not waited for."""


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
