"""The dashboard on a screen in memory, against a real service: what it shows, and how a test waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot

from tui.app import Dashboard
from tui.place import Options, Place

T = TypeVar("T")
SECONDS = 20.0
"""How long anything that has to happen may take, on the slowest machine."""
NAMES = {" ": "space", ":": "colon", "/": "slash", "-": "minus", "?": "question_mark", "{": "left_curly_bracket"}


class Seen:
    """A running dashboard as its user has it: keys in, text out."""

    def __init__(self, app: Dashboard, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def until(self, what: str, look: Callable[[], T]) -> T:
        """Let the dashboard run until a look gives something true."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {SECONDS:g} s: {what}\n{self.text}")
            await self.pilot.pause(0.02)

    async def shows(self, *words: str) -> None:
        """Wait until all of these are on the screen."""
        await self.until(f"shows {words}", lambda: all(word in self.text for word in words))

    async def hides(self, *words: str) -> None:
        """Wait until none of these is on the screen."""
        await self.until(f"hides {words}", lambda: not any(word in self.text for word in words))

    async def press(self, *keys: str) -> None:
        """Press keys by name."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Press the keys of a text."""
        await self.pilot.press(*(NAMES.get(char, char) for char in text))

    async def command(self, line: str) -> None:
        """Enter a line of the command line."""
        await self.press("colon")
        await self.type(line)
        await self.press("enter")

    async def filter(self, line: str) -> None:
        """Enter a filter."""
        await self.press("slash")
        await self.type(line)
        await self.press("enter")

    def notes(self) -> list[str]:
        """What it told in the corner."""
        return [note.message for note in self.app._notifications]

    async def told(self, part: str) -> None:
        """Wait until it has told something."""
        await self.until(f"tells {part!r}", lambda: any(part in note for note in self.notes()))


def _forgive_cancelled_reads() -> None:
    """A read on a unix socket that is cancelled just as data comes in: anyio sets the result of its future anyway."""
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if handler is not None and not isinstance(context.get("exception"), asyncio.InvalidStateError):
            handler(loop, context)

    loop.set_exception_handler(handle)


@asynccontextmanager
async def dashboard(
    socket: Path,
    *,
    size: tuple[int, int] = (150, 44),
    tenant: str | None = "default",
    primed: bool = True,
    **options: Any,
) -> AsyncIterator[Seen]:
    """The dashboard on that socket, once it has read everything, unless `primed` is false."""
    app = Dashboard(Options(Place(socket), tenant, **options))
    _forgive_cancelled_reads()
    async with app.run_test(size=size) as pilot:
        if primed:
            async with asyncio.timeout(SECONDS):
                await app.feed.primed.wait()
        await pilot.pause()
        yield Seen(app, pilot)
