"""Tells whether Python for the sandbox can be parsed, by the sandbox's own parser and without running it."""

from __future__ import annotations

import atexit
from functools import lru_cache
from typing import TYPE_CHECKING

from flowrun.nodes.sandbox_errors import syntax_of

if TYPE_CHECKING:
    from pydantic_monty import Monty

_UNRUN = "return\n"
"""Put before the source: everything is parsed before the first line runs, and that one ends the run."""
_PARSING_SECONDS = 2.0
_PARSING_MEMORY = 134_217_728


@lru_cache(maxsize=1024)
def syntax_error(source: str) -> str | None:
    """Return what is wrong with the source and where; None when it can be parsed, or nobody here can tell."""
    try:
        import pydantic_monty  # noqa: PLC0415 - takes a while, for those only who use it
    except ImportError:
        return None
    try:
        with _parser().checkout(
            limits={"max_feed_duration_secs": _PARSING_SECONDS, "max_memory": _PARSING_MEMORY}
        ) as session:
            session.feed_run(_UNRUN + source)
    except pydantic_monty.MontyError as error:
        wrong = syntax_of(error)
        return None if wrong is None else f"line {max(wrong[0] - 1, 1)}: {wrong[1]}"
    except (OSError, RuntimeError):
        # No process can be had for it; the run will say why.
        return None
    return None


@lru_cache(maxsize=1)
def _parser() -> Monty:
    """Make the process that parses; it lasts, as it runs nobody's code."""
    import pydantic_monty  # noqa: PLC0415

    pool = pydantic_monty.Monty(
        min_processes=1, max_processes=1, checkout_timeout=_PARSING_SECONDS * 2, request_timeout=_PARSING_SECONDS * 2
    )
    atexit.register(pool.__exit__, None, None, None)
    return pool.__enter__()
