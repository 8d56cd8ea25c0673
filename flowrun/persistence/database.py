"""Opening the embedded database: connections, pragmas, the lock that keeps a second process out, the boot epoch."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Executable, RowMapping, create_engine, event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from flowrun.errors import ConfigurationError, UnavailableError
from flowrun.persistence import tables as t

R = TypeVar("R")

_READERS = 4


class DataLock:
    """Held by the one process that works on a data directory; the kernel lets go of it when that process ends.

    Makes the directory if need be. Raises `ConfigurationError` when it cannot, or when another process holds it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "flowrun.lock"
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = f"The data directory {self._path.parent} cannot be used: {error.strerror or error}"
            raise ConfigurationError(f"{message}; name another with --data-dir or FLOWRUN_DATA_DIR") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            message = (
                f"Another flowrun (process {holder}) works on {self._path.parent}; stop it, or use another --data-dir"
            )
            raise ConfigurationError(message) from None
        os.truncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)


def writing_engine(path: Path) -> Engine:
    """The engine of the one connection that writes, and checkpoints: WAL, and every commit survives a power cut.

    A file that isn't there is made at once, closed to other users; SQLite gives those beside it the same mode.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        # This one takes effect on an empty file only, so it comes first; retention needs it to give space back.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.execute("PRAGMA cache_size=-16384")
        connection.execute("PRAGMA busy_timeout=5000")
        _check_durable(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _check_durable(connection: sqlite3.Connection) -> None:
    """A setting that SQLite silently didn't take would be a promise broken at the next power cut."""
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or level != 2:
        raise ConfigurationError(
            f"The database's journal mode is {mode} and its synchronous level {level}, not wal and 2 (FULL): "
            "is the data directory on a network file system?"
        )


class ReadOnly:
    """Short reads on connections that cannot write; see `flowrun.ports.Reader`."""

    def __init__(self, path: Path) -> None:
        self._engine: AsyncEngine = create_async_engine(
            f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true",
            pool_size=_READERS,
            max_overflow=0,
        )
        self._reads: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def all(self, query: Executable, params: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Every row of a SELECT."""
        return await self._whole(self._all(query, params))

    async def first(self, query: Executable, params: Mapping[str, Any] | None = None) -> RowMapping | None:
        """The first row of a SELECT, if there is one."""
        return await self._whole(self._first(query, params))

    async def _whole(self, read: Coroutine[Any, Any, R]) -> R:
        """Let a read end even when its caller is cancelled: a connection left in a statement would be lost."""
        if self._closed:
            read.close()
            raise UnavailableError("The service is shutting down")
        task = asyncio.get_running_loop().create_task(read)
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        return await asyncio.shield(task)

    async def _all(self, query: Executable, params: Mapping[str, Any] | None) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(query, params)).mappings().all()

    async def _first(self, query: Executable, params: Mapping[str, Any] | None) -> RowMapping | None:
        async with self._engine.connect() as connection:
            return (await connection.execute(query, params)).mappings().first()

    async def close(self) -> None:
        """Give the connections back, when the last read has ended; there are no more from now on."""
        self._closed = True
        await asyncio.gather(*self._reads, return_exceptions=True)
        await self._engine.dispose()


def next_epoch(connection: Connection) -> int:
    """Count this start of a process; gives its number."""
    epoch = connection.scalar(select(t.instance.c.boot_epoch))
    if epoch is None:
        connection.execute(insert(t.instance).values(id=1, boot_epoch=1))
        return 1
    connection.execute(update(t.instance).values(boot_epoch=epoch + 1))
    return int(epoch) + 1
