"""Whether the database can commit, tried by a commit that writes."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, delete, insert

from flowrun.persistence import tables as t
from flowrun.ports import Clock, Writer

_AGAIN_SECONDS = 1.0
_NO_ROW = 0


class CommitProbe:
    """Tries it at most once a second, however many ask."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._latest: asyncio.Task[None] | None = None
        self._began = 0.0

    async def check(self) -> None:
        """Return when a commit has been made lately; raises `UnavailableError` and whatever else kept it from that."""
        now = self._clock.monotonic()
        if self._latest is None or now - self._began >= _AGAIN_SECONDS:
            self._began = now
            self._latest = asyncio.ensure_future(self._writer.transact(_write))
            self._latest.add_done_callback(_heard)
        await asyncio.shield(self._latest)


def _write(connection: Connection) -> None:
    # What changes nothing is not written to the disk, and would do on a full one: a row that comes and goes is.
    connection.execute(insert(t.instance).values(id=_NO_ROW, boot_epoch=0))
    connection.execute(delete(t.instance).where(t.instance.c.id == _NO_ROW))


def _heard(task: asyncio.Task[None]) -> None:
    """Whoever asked may be gone."""
    if not task.cancelled():
        task.exception()
