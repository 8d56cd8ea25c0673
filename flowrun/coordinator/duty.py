"""Keeping the coordinator's duties alive: one that breaks off is taken up again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from flowrun.ports import Clock

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0


async def steadily(name: str, duty: Callable[[], Awaitable[object]], clock: Clock) -> None:
    """Run a duty to its end; after an error (a read that timed out, say) it is run again from where it stands.

    A duty that ended in silence would leave timers unfired; one whose error ended the service would take every
    other execution with it.
    """
    while True:
        try:
            await duty()
        except Exception:  # noqa: BLE001 - whatever it was, the duty goes on
            _log.exception("The duty %s broke off; it is taken up again", name)
            await clock.wait(asyncio.Event(), _AGAIN_SECONDS)
        else:
            return
