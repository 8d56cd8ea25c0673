"""What a node may give: JSON within the limits of every payload."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson

from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, Failed, Outcome, Respond

MAX_OUTPUT = 1_048_576
"""Bytes as JSON."""
MAX_DEPTH = 64
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The character in JSON; after an escaped backslash the same letters are a text that people wrote."""


def bounded(outcome: Outcome) -> Outcome:
    """The outcome itself, or the failure that an output beyond the limits is."""
    if not isinstance(outcome, Completed | Respond):
        return outcome
    try:
        data = orjson.dumps(outcome.output)
    except (orjson.JSONEncodeError, RecursionError) as error:
        return Failed("invalid_output", f"The output is not JSON: {error}")
    if len(data) > MAX_OUTPUT:
        size, most = f"{len(data):,}", f"{MAX_OUTPUT:,}"
        return Failed("output_too_large", f"The output has {size} bytes as JSON; the most is {most}")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(outcome.output) > MAX_DEPTH:
        return Failed("invalid_output", f"The output is nested more than {MAX_DEPTH} levels deep")
    if b"\\u0000" in data:
        # PostgreSQL stores no NUL in a text, and nothing readable is lost without it.
        return replace(outcome, output=orjson.loads(_NUL.sub(rb"\1", data)))
    return outcome


def timed_out(timeout: float) -> Failed:
    """What an attempt gives that has taken longer than its timeout, in seconds."""
    message = f"The attempt took longer than its timeout of {timeout:g} s"
    return Failed("timeout", message, retryable=True, source="timeout")


def _depth(value: JsonValue) -> int:
    depth, level = 0, [value]
    while level:
        inner = [item for one in level if isinstance(one, dict | list) for item in _items(one)]
        depth += any(isinstance(one, dict | list) for one in level)
        level = inner
    return depth


def _items(value: dict[str, JsonValue] | list[JsonValue]) -> list[JsonValue]:
    return list(value.values()) if isinstance(value, dict) else value
