"""The door to RE2, which takes time linear in the text whatever the pattern is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError

MAX_PATTERN = 1000
"""Characters in one pattern."""

_MAX_MEMORY = 1 << 19
_MAX_PROGRAM = 2000

_PATTERN_UNITS = 4000
"""What a pattern costs at its first use: compiling it, and the memory for its automaton."""

_SMALL_PROGRAM = 12
"""Instructions of a pattern whose automaton has so few states that RE2 always keeps it in memory."""


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 -- RE2 has no types
    import re2  # noqa: PLC0415 -- the only third-party library here is loaded for those who use patterns

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(f"this pattern is not valid: {shown}") from None
    if compiled.programsize > _MAX_PROGRAM:
        raise ExpressionError("this pattern is too large")
    return compiled


def matches(frame: Frame, pattern: str, text: str) -> Iterator[Any]:
    """Yield the matches of a pattern in a text one by one, paying for the search of each.

    Raises ExpressionError for a pattern that is not valid or too long, and ExpressionLimitError.
    """
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"a pattern is longer than {MAX_PATTERN} characters")
    frame.charge_once(f"pattern {pattern}", _PATTERN_UNITS)
    compiled = _compiled(pattern)
    size, program, groups = len(text), compiled.programsize, compiled.groups
    width = 1 if text.isascii() else 4
    # RE2 sees bytes, and finding groups takes a step for each instruction and byte of what matched.
    frame.charge(width * size * (1 + groups * program) // 40 + 40)
    # A search may look at all that is left of the text: byte by byte while the automaton fits into memory,
    # and else instruction by instruction.
    rate = 1 if program <= _SMALL_PROGRAM else 2 * program
    frame.charge(width * size * rate // 64)
    for match in compiled.finditer(text):
        yield match
        frame.charge(20 + 4 * groups + width * (size - match.end()) * rate // 64)
