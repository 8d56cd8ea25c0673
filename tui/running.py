"""Starts the dashboard, and keeps the collector of cyclic garbage out of its way."""

from __future__ import annotations

import gc
import os

from tui.place import Options

_ESCAPE_MILLISECONDS = 25
"""After which escape is a key of its own, not the begin of a sequence or of alt and a letter: nobody types so fast."""


def run(options: Options) -> None:
    """Show the dashboard until it is left.

    A full collection goes through every module and style, which takes a tenth of a second: during the start none
    happens, and afterwards what came with the start is left out of all of them.
    """
    gc.disable()
    tell_escape_early()
    from tui.app import Dashboard  # noqa: PLC0415 - nothing is to be collected during the imports either

    app = Dashboard(options)
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)


def tell_escape_early() -> None:
    """Shorten the wait after escape, unless the user has set one. The framework reads it when it is imported."""
    os.environ.setdefault("ESCDELAY", str(_ESCAPE_MILLISECONDS))


def collect_from_now_on() -> None:
    """What is there now stays; garbage is looked for among what comes."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
