"""The one budget of an evaluation: a unit stands for at most 200 ns of work or 64 bytes of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from flowrun.domain.expression.errors import ExpressionLimitError
from flowrun.domain.expression.values import JsonValue

BUDGET = 200_000
"""Units an evaluation may use: 40 ms and 12.8 MB, which leaves room under 50 ms and 16 MB."""

MAX_VALUES = 100_000
"""Values that a result may hold, counting shared ones as often as they appear."""

MAX_DEPTH = 64
"""Levels of lists and objects that a result may have."""

MAX_TEXT = 4 * 1024 * 1024
"""Characters that a result may hold in all its strings and keys."""

MAX_WALK_DEPTH = 128
"""Levels that a walk inside an evaluation goes down; more than a result may have, as parts may be dropped."""


class Meter:
    """What all evaluations have used so far: who evaluates many looks at how much it grows."""

    __slots__ = ("units",)

    def __init__(self) -> None:
        self.units = 0


METER = Meter()


class Frame:
    """What one evaluation works with: the scope, the clock, loop variables and what is left of the budget."""

    __slots__ = ("_paid", "left", "locals", "now", "scope")

    def __init__(self, scope: Mapping[str, JsonValue], now: int, left: int = BUDGET) -> None:
        self.scope = scope
        self.now = now
        self.left = left
        self.locals: list[JsonValue] = []
        self._paid: set[str] | None = None

    def charge(self, units: int) -> None:
        """Take units from the budget, before the work is done or the memory allocated.

        Raises ExpressionLimitError when too few are left.
        """
        self.left -= units
        if self.left < 0:
            refuse()

    def charge_once(self, what: str, units: int) -> None:
        """Pay for something that is loaded once and then kept, such as a time zone."""
        if self._paid is None:
            self._paid = set()
        if what not in self._paid:
            self.charge(units)
            self._paid.add(what)

    def charge_text(self, text: str, times: int = 1) -> None:
        """Pay for text as long as `times` copies of this one (an ASCII character takes 1 byte, others up to 4)."""
        self.charge((len(text) * times >> (6 if text.isascii() else 4)) + 1)

    def charge_items(self, count: int) -> None:
        """Pay for copying so many references into a list."""
        self.charge((count >> 3) + 1)

    def charge_search(self, text: str, part: str, *, backwards: bool = False) -> None:
        """Pay for looking for a part in a text.

        CPython needs a time that grows with both lengths, but for a search forwards in a long text.
        """
        size = len(text)
        width = len(part) if backwards or size < 30_000 else 0
        self.charge((size >> 5) + (size * width >> 9) + 1)


def refuse() -> NoReturn:
    """Raise the error for an evaluation whose budget is used up."""
    raise ExpressionLimitError("the expression takes too long or needs too much memory")
