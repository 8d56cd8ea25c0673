"""Guesses what a name that does not exist was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint to the most similar name, to be put at the end of a message; "" when none is similar."""
    found = difflib.get_close_matches(name[:50], list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
