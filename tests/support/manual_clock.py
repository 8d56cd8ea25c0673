"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio


class ManualClock:
    """See `flowrun.ports.Clock`. Time passes in `advance` alone, so a test says when something is due."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self._now = now
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds."""
        return self._now / 1000

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set or the clock was moved far enough."""
        over = asyncio.Event()
        sleeper = (self._now + round(seconds * 1000), over)
        self._sleepers.append(sleeper)
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(over.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sleepers.remove(sleeper)
            for task in waits:
                task.cancel()

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake whoever has waited long enough."""
        self._now += round(seconds * 1000)
        for until, over in self._sleepers:
            if until <= self._now:
                over.set()
