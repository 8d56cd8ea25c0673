"""A line on stderr that says how far a long copy has come; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from flowrun.cli.output import spell_bytes

_FIRST_AFTER = 0.5
_EVERY = 0.2


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Give what is to be told of the parts that are done and of all of them, in bytes or any other unit."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    shown, due = False, time.monotonic() + _FIRST_AFTER

    def tell(done: int, everything: int) -> None:
        nonlocal shown, due
        if time.monotonic() < due:
            return
        shown, due = True, time.monotonic() + _EVERY
        percent = min(100 * done // max(everything, 1), 100)
        click.echo(f"\r{label} {percent:3}% of {spell_bytes(everything)}  ", err=True, nl=False)

    try:
        yield tell
    finally:
        if shown:
            click.echo(f"\r{' ' * (len(label) + 30)}\r", err=True, nl=False)
