"""Deletes what is past its time and gives the space back, a little at a time, beside the work."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, text

from flowrun.commands.idempotency import KEPT_MS
from flowrun.commands.start_called import CALLS
from flowrun.config import Settings
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.errors import UnavailableError
from flowrun.persistence import expiry
from flowrun.persistence.writer import GroupWriter
from flowrun.ports import Clock, Reader

R = TypeVar("R")

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0
_PAGE = 500
"""How many executions, or rows of a log, are looked at and deleted at once."""
_LEAST_EVENTS, _MOST_EVENTS = 50, 5_000
"""How many events the executions of one transaction have together; one that has more goes alone."""
_LONGEST_DELETE = 0.03
"""Seconds that a transaction is to take, on which everybody waits: the number of events follows from it."""
_BUSY_SHARE = 0.4
"""The share of the time that deleting may take while there is much of it."""
_VACUUM_PAGES = 1024
_FREE_SHARE = 16
"""One page in so many may stay free: the next rows will want it."""
_LEAST_FREE_PAGES = 256
_GOAL = 0.9
"""A file that has outgrown `keep_bytes` is brought down to this part of it."""
_LARGE_WAL_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class _Batch:
    """Executions that are deleted together."""

    ids: list[str]
    events: int


@dataclass(frozen=True, slots=True)
class _Space:
    """The database file, in pages."""

    pages: int
    free: int
    page_size: int

    @property
    def size(self) -> int:
        """Bytes of the file when the WAL has been moved into it."""
        return self.pages * self.page_size

    @property
    def used(self) -> int:
        """Bytes of it that hold something."""
        return (self.pages - self.free) * self.page_size

    @property
    def spare(self) -> int:
        """Free pages that nobody needs."""
        return self.free - max(self.pages // _FREE_SHARE, _LEAST_FREE_PAGES)


class Retention:
    """Sweeps once a minute. What has not ended is never touched, nor what somebody may still ask for."""

    def __init__(
        self,
        *,
        clock: Clock,
        reader: Reader,
        writer: GroupWriter,
        engine: ExecutionEngine,
        settings: Settings,
    ) -> None:
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._engine = engine
        self._settings = settings
        self._wal = Path(f"{settings.database_path}-wal")
        self._events = _LEAST_EVENTS
        self._warned = False

    async def run(self) -> None:
        """Sweep until cancelled."""
        never = asyncio.Event()
        while True:
            try:
                await self.sweep()
            except UnavailableError as error:
                _log.warning("Nothing more is deleted for now: %s", error)
            await self._clock.wait(never, _EVERY_SECONDS)

    async def sweep(self) -> None:
        """Delete what is past its time now, and give the space back."""
        now, deleted = self._clock.now(), 0
        await self._sweep_keys(now - KEPT_MS)
        if self._settings.keep_logs is not None:
            for log in expiry.LOGS:
                await self._sweep_log(log, now - round(self._settings.keep_logs * 1000))
        if self._settings.keep_conversations is not None:
            await self._sweep_conversations(now - round(self._settings.keep_conversations * 1000))
        if self._settings.keep_executions is not None:
            deleted += await self._sweep_executions(now - round(self._settings.keep_executions * 1000))
        deleted += await self._sweep_to_size(now)
        if deleted:
            _log.info("Deleted %d ended executions", deleted)
        await self._give_back()

    # --- what is deleted

    async def _sweep_executions(self, ended_before: int) -> int:
        """Delete those that ended before a time (ms), the oldest first; gives how many."""
        deleted = 0
        async for batch in self._batches(ended_before, lambda: self._events):
            deleted += await self._delete(batch, ended_before)
        return deleted

    async def _sweep_to_size(self, ended_before: int) -> int:
        """Delete the oldest of those until the file can be as small as it is to be; gives how many."""
        limit, space = self._settings.keep_bytes, await self._space()
        if limit is None or space.size <= limit:
            return 0
        deleted, goal, wanted = 0, round(limit * _GOAL), _LEAST_EVENTS
        if space.used > goal:
            async with aclosing(self._batches(ended_before, lambda: wanted)) as batches:
                async for batch in batches:
                    deleted += await self._delete(batch, ended_before)
                    before, space = space, await self._space()
                    if space.used <= goal:
                        break
                    # No more than it takes: an event may be of fifty bytes or of a million.
                    each = max(before.used - space.used, 1) / batch.events
                    wanted = max(min(self._events, int((space.used - goal) / each)), 1)
        self._warn(space.used, goal, limit)
        return deleted

    def _warn(self, used: int, goal: int, limit: int) -> None:
        if used > goal and not self._warned:
            _log.warning(
                "The database holds %.0f MiB and is to have %.0f (keep_bytes), but no more executions can be deleted",
                used / (1 << 20),
                limit / (1 << 20),
            )
        self._warned = used > goal

    async def _batches(self, ended_before: int, events: Callable[[], int]) -> AsyncGenerator[_Batch, None]:
        """Ended executions that may go, the oldest first, in groups that have at least so many events together."""
        after, ids, count = "", list[str](), 0
        while page := await self._reader.all(expiry.ended_executions(after, _PAGE, ended_before=ended_before)):
            after = page[-1]["id"]
            for row in page:
                if row["held"]:
                    continue
                ids.append(row["id"])
                count += row["rows"] or 1
                if count >= events():
                    yield _Batch(ids, count)
                    ids, count = [], 0
        if ids:
            yield _Batch(ids, count)

    async def _delete(self, batch: _Batch, ended_before: int) -> int:
        began = time.perf_counter()
        with self._engine.withdrawn(batch.ids) as free:
            change = partial(_timed, partial(_delete, ids=free, ended_before=ended_before))
            deleted, seconds = await self._writer.transact(change)
        await _rest_since(began)
        if seconds > _LONGEST_DELETE:
            self._events = max(self._events // 2, _LEAST_EVENTS)
        elif seconds < _LONGEST_DELETE / 2:
            self._events = min(self._events * 2, _MOST_EVENTS)
        return deleted

    async def _sweep_log(self, log: expiry.Log, before: int) -> None:
        group = ""
        while found := await self._reader.first(log.next_group(group)):
            group, after = found["name"], None
            while page := await self._reader.all(log.old_rows(group, after, before, _PAGE)):
                old = [row["key"] for row in page if row["old"]]
                if old:
                    await self._write(partial(log.delete, group=group, keys=old))
                if len(old) < len(page):
                    break  # The others came later.
                after = page[-1]["key"]

    async def _sweep_keys(self, before: int) -> None:
        while page := await self._reader.all(expiry.old_keys(before, _PAGE, but=CALLS)):
            await self._write(
                partial(expiry.delete_keys, keys=[(row["tenant_id"], row["scope"], row["key"]) for row in page])
            )

    async def _sweep_conversations(self, silent_since: int) -> None:
        while await self._write(partial(expiry.delete_conversations, silent_since=silent_since, limit=_PAGE)) == _PAGE:
            pass

    # --- the file

    async def _space(self) -> _Space:
        pages, free, size = [await self._number(name) for name in ("page_count", "freelist_count", "page_size")]
        return _Space(pages, free, size)

    async def _number(self, pragma: str) -> int:
        row = await self._reader.first(text(f"PRAGMA {pragma}"))
        return int(next(iter(row.values()))) if row is not None else 0

    async def _give_back(self) -> None:
        """Let the file shrink to what it holds, and the WAL begin anew."""
        space, shrunk = await self._space(), False
        while space.spare > 0:
            pages = min(space.spare, _VACUUM_PAGES)
            await self._paced(self._writer.between(partial(_vacuum, pages=pages)))
            before, space = space, await self._space()
            if space.free >= before.free:
                break  # A file that was made otherwise: `flowrun doctor` tells of it.
            shrunk = True
        if shrunk or self._wal_bytes() > _LARGE_WAL_BYTES:
            # Readers in the way are no harm: a later sweep comes by again.
            with suppress(UnavailableError):
                await self._writer.between(_checkpoint)

    def _wal_bytes(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    # --- how fast

    async def _write(self, change: Callable[[Connection], R]) -> R:
        return await self._paced(self._writer.transact(change))

    @staticmethod
    async def _paced(work: Awaitable[R]) -> R:
        began = time.perf_counter()
        result = await work
        await _rest_since(began)
        return result


async def _rest_since(began: float) -> None:
    """Rest for longer than the work took: the writer is everybody's. It is the machine's time, no clock's."""
    await asyncio.sleep((time.perf_counter() - began) * (1 / _BUSY_SHARE - 1))


def _delete(connection: Connection, ids: list[str], ended_before: int) -> int:
    return expiry.delete_executions(connection, ids, ended_before=ended_before, calls=CALLS)


def _timed(change: Callable[[Connection], int], connection: Connection) -> tuple[int, float]:
    """What a change gives, and the seconds that it took of the writer's."""
    began = time.perf_counter()
    return change(connection), time.perf_counter() - began


def _vacuum(connection: sqlite3.Connection, pages: int) -> None:
    # A script, as `execute` takes one step alone: each step frees one page.
    connection.executescript(f"PRAGMA incremental_vacuum({pages})")


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Move the WAL into the file and empty it; does not wait for readers, nor let anybody wait for them."""
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")
