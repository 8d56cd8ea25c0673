"""Token buckets in memory: how many requests a webhook, and a tenant's webhooks together, may take."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_BUCKETS = 100_000
"""Beyond it the longest unused one is forgotten, which makes it full again."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests per second on average, `burst` of them at once after a pause."""

    per_second: float
    burst: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    """Seconds since the epoch."""
    noted: float = -math.inf
    """When it was last told that it was empty."""


class RateLimits:
    """Buckets by name; each request costs a dictionary look-up and a few additions."""

    def __init__(self, most: int = _MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, asked: Sequence[tuple[str, Rate]], now: float) -> float:
        """Take a token out of every bucket, or out of none: gives the seconds until all have one, 0 when taken.

        `now` is in seconds; a clock that was set back gives nothing and takes nothing.
        """
        buckets: list[_Bucket] = []
        longest = 0.0
        for name, rate in asked:
            bucket = self._filled(name, rate, now)
            if bucket.tokens < 1:
                longest = max(longest, (1 - bucket.tokens) / rate.per_second)
            buckets.append(bucket)
        if longest > 0:
            return longest
        for bucket in buckets:
            bucket.tokens -= 1
        return 0.0

    def to_be_noted(self, name: str, now: float, every: float) -> bool:
        """Whether an empty bucket has not been noted for so many seconds; it is now."""
        bucket = self._buckets.get(name)
        if bucket is None or abs(now - bucket.noted) < every:
            return False
        bucket.noted = now
        return True

    def _filled(self, name: str, rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(rate.burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(name)
        passed = now - bucket.at
        if passed > 0:
            tokens = bucket.tokens + passed * rate.per_second
            bucket.tokens = min(rate.burst, tokens)
        bucket.at = now
        return bucket


def retry_after(wait: float) -> int:
    """The whole seconds that a sender is asked to wait."""
    return max(1, math.ceil(wait))
