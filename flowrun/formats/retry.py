"""Reads how often and how far apart a node is tried again, in our words or in the editor's."""

from __future__ import annotations

import math

from flowrun.domain.definition import RetryPolicy
from flowrun.formats.fields import Fields

_OURS = ("max_attempts", "initial_interval", "backoff", "max_interval", "jitter", "non_retryable")
_EDITORS = ("backoff_strategy", "initial_delay", "max_delay")
_STRATEGIES = {"exponential": 2.0, "fixed": 1.0}
_DEFAULT = RetryPolicy()


def read_retry(node: Fields, among_params: Fields | None) -> RetryPolicy | None:
    """The policy of a node (`retry`, or `retryPolicy` as editors write it on the node or among its params)."""
    policies = [policy for policy in (node.nested("retry"), node.nested("retry_policy"), among_params) if policy]
    for extra in policies[1:]:
        extra.problems.add(extra.path, "is a second retry policy for one node: write one of them")
    return _read(policies[0]) if policies else None


def _read(fields: Fields) -> RetryPolicy:
    fields.check_keys((*_OURS, *_EDITORS))
    return RetryPolicy(
        max_attempts=fields.whole_number("max_attempts", _DEFAULT.max_attempts),
        initial_interval=_interval(fields, "initial_interval", "initial_delay", _DEFAULT.initial_interval),
        backoff=_backoff(fields),
        max_interval=_interval(fields, "max_interval", "max_delay", _DEFAULT.max_interval),
        jitter=fields.flag("jitter", default=_DEFAULT.jitter),
        non_retryable=fields.texts("non_retryable"),
    )


def _interval(fields: Fields, seconds_key: str, milliseconds_key: str, default: float) -> float:
    if fields.has(seconds_key):
        seconds = fields.duration(seconds_key)
    elif fields.has(milliseconds_key):
        seconds = fields.duration(milliseconds_key)
        if seconds is not None and not isinstance(fields.get(milliseconds_key), str):
            seconds /= 1000
    else:
        return default
    return default if seconds is None else seconds


def _backoff(fields: Fields) -> float:
    key = "backoff" if fields.has("backoff") else "backoff_strategy"
    value = fields.get(key)
    if value is None:
        return _DEFAULT.backoff
    if isinstance(value, str) and value in _STRATEGIES:
        return _STRATEGIES[value]
    if key == "backoff" and isinstance(value, (int, float)) and not isinstance(value, bool):
        # The bound keeps interval * backoff ** attempt within a float.
        if math.isfinite(value) and 1 <= value <= 1000:
            return float(value)
        fields.complain(key, "must be between 1 (a fixed interval) and 1000")
        return _DEFAULT.backoff
    words = "a number, exponential or fixed" if key == "backoff" else "exponential or fixed"
    hint = fields.problems.spelling.closest(value, _STRATEGIES) if isinstance(value, str) else None
    fields.complain(key, f"must be {words}", hint)
    return _DEFAULT.backoff
