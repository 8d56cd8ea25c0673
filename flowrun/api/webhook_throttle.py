"""How many requests webhooks take: buckets per webhook as its params say, and per tenant as the settings say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.errors import TooManyRequestsError
from flowrun.ports import RouteMatch
from flowrun.triggers.rate_limits import Rate, RateLimits, retry_after

_NOTED_EVERY = 10.0
"""Seconds: a flood of requests that are turned away must not become a flood of rows."""


class WebhookThrottle:
    """Lets a request in, or says when to come again. `per_second` is a tenant's rate; twice that in a burst."""

    def __init__(self, per_second: float = 5_000.0) -> None:
        self._limits = RateLimits()
        self._tenant_rate = Rate(per_second, 2 * per_second)

    def admit(
        self, now: float, *, tenant_id: str | None = None, webhooks: Sequence[RouteMatch] = ()
    ) -> TooManyRequestsError | None:
        """The error to answer with when a bucket is empty, the tenant's or a webhook's own; `now` in seconds.

        A request is taken by all of its webhooks or by none, so that a sender who tries again repeats nothing.
        """
        asked = [] if tenant_id is None else [(f"tenant:{tenant_id}", self._tenant_rate)]
        for match in webhooks:
            limit = match.config.get("rate_limit")
            if isinstance(limit, dict):
                asked.append((match.webhook_id, _rate(limit)))
        wait = self._limits.take(asked, now)
        if wait <= 0:
            return None
        return TooManyRequestsError("Too many requests for this webhook", retry_after=retry_after(wait))

    def to_be_noted(self, matches: Sequence[RouteMatch], now: float) -> list[tuple[RouteMatch, str]]:
        """The refusals that belong in the log: of each webhook one in ten seconds."""
        reason = f"too many requests; this is noted every {_NOTED_EVERY:g} s at most"
        return [(match, reason) for match in matches if self._limits.to_be_noted(match.webhook_id, now, _NOTED_EVERY)]


def _rate(limit: Mapping[str, Any]) -> Rate:
    per_second, burst = float(limit["per_second"]), limit.get("burst")
    return Rate(per_second, max(1.0, per_second) if burst is None else float(burst))
