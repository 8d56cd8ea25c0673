"""How large a value is, counted before it is written out, and its text."""

from __future__ import annotations

import json
import re

from flowrun.domain.expression.budget import MAX_DEPTH, MAX_TEXT, MAX_VALUES, MAX_WALK_DEPTH, Frame
from flowrun.domain.expression.errors import ExpressionLimitError
from flowrun.domain.expression.values import JsonValue

_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")


def check_result(value: JsonValue) -> None:
    """Refuse a result that is larger than a payload may be; raises ExpressionLimitError.

    Shared parts count as often as they appear, as they do once the result is written as JSON.
    """
    values, characters = 1, 0
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[JsonValue] = []
        for item in level:
            kind = type(item)
            if kind is str:
                characters += len(item)  # type: ignore[arg-type]  # `kind` has told
            elif kind is list or kind is dict:
                values += len(item)  # type: ignore[arg-type]
                if values > MAX_VALUES:
                    raise ExpressionLimitError(f"the result holds more than {MAX_VALUES} values")
                if isinstance(item, dict):
                    characters += sum(map(len, item))
                    below.extend(item.values())
                else:
                    below.extend(item)  # type: ignore[arg-type]
        if characters > MAX_TEXT:
            raise ExpressionLimitError(f"the result holds more than {MAX_TEXT} characters")
        if not below:
            return
        level = below
    raise ExpressionLimitError(f"the result is nested more than {MAX_DEPTH} levels deep")


def charge_json(frame: Frame, value: JsonValue) -> None:
    """Pay for a value written as JSON, counting shared parts as often as they appear."""
    level: list[JsonValue] = [value]
    frame.charge(10)
    for _ in range(MAX_WALK_DEPTH):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, str):
                _charge_quoted(frame, item)
            elif isinstance(item, list):
                frame.charge(len(item))
                below.extend(item)
            elif isinstance(item, dict):
                frame.charge(2 * len(item))
                for key in item:
                    _charge_quoted(frame, key)
                below.extend(item.values())
        if not below:
            return
        level = below
    raise ExpressionLimitError("a value is nested too deeply to be written as JSON")


def to_json(frame: Frame, value: JsonValue, *, sort_keys: bool = False) -> str:
    """Return a value as compact JSON; raises ExpressionLimitError."""
    charge_json(frame, value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)


def to_text(frame: Frame, value: JsonValue) -> str:
    """Return a value as a template writes it: null as nothing, lists and objects as compact JSON.

    Raises ExpressionLimitError.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float)):
        frame.charge(2)
        return repr(value)
    return to_json(frame, value)


def _charge_quoted(frame: Frame, text: str) -> None:
    if len(text) > 8:
        # Quotes, backslashes and ends of lines are written as two characters, other control characters as six.
        dense = not text.isascii() or _CONTROL.search(text) is not None
        frame.charge(len(text) >> (2 if dense else 4))
