"""A writer that stands still: what is decided meanwhile waits to be committed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from flowrun.bootstrap import Runtime
from flowrun.persistence.writer import GroupWriter


@asynccontextmanager
async def no_commits(runtime: Runtime) -> AsyncIterator[GroupWriter]:
    """Nothing is committed as long as the block lasts; gives the writer, which says how much waits for it."""
    writer = runtime.context.writer
    assert isinstance(writer, GroupWriter)
    begun, go_on = threading.Event(), threading.Event()

    def stand_still(_connection: object) -> None:
        begun.set()
        go_on.wait()

    standing = asyncio.create_task(writer.between(stand_still))
    await asyncio.to_thread(begun.wait)
    try:
        yield writer
    finally:
        go_on.set()
        await standing


async def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds, of which nothing tells."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
