"""What a check of `flowrun doctor` found."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: str
    """`ok`, `warning` or `problem`."""
    detail: str
    advice: str = ""
    """What to do next; nothing when all is well."""
