"""Attempts that have died with the process again and again: they run alone, so that the one that kills it is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SUSPECT_LOST = 3
"""Who has died with the process so often may be what kills it."""
ALONE_SECONDS = 10.0
"""Who has survived so long lets the next one begin: a long attempt must not hold up all others."""


class Suspects:
    """Lets one suspect begin after the other, in the order of their coming."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait for the turn, and keep it until the block ends, or for `ALONE_SECONDS`."""
        await self._turn.acquire()
        held = True

        def let_next() -> None:
            nonlocal held
            if held:
                held = False
                self._turn.release()

        over = asyncio.get_running_loop().call_later(ALONE_SECONDS, let_next)
        try:
            yield
        finally:
            over.cancel()
            let_next()
