"""A row of small bars: how a number went lately."""

from __future__ import annotations

from collections.abc import Sequence

from tui.render.charset import UNICODE, Charset


def sparkline(values: Sequence[float | None], width: int, charset: Charset = UNICODE) -> str:
    """The last `width` values, the newest at the right, the highest as a full bar.

    Nothing, None and zero, is a space, so that one that happened differs from none at all. Exactly `width` cells.
    """
    if width <= 0:
        return ""
    shown = list(values)[-width:]
    highest = max((value for value in shown if value is not None), default=0.0)
    return "".join(_bar(value, highest, charset) for value in shown).rjust(width)


def _bar(value: float | None, highest: float, charset: Charset) -> str:
    if value is None or value <= 0 or highest <= 0:
        return " "
    steps = len(charset.blocks)
    return charset.blocks[min(steps - 1, int(value / highest * steps))]
