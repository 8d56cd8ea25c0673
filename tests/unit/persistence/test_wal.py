"""The WAL stays small however long the load lasts, and what cannot be in a transaction runs between two."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from flowrun.errors import UnavailableError
from flowrun.persistence.database import writing_engine
from flowrun.persistence.writer import GroupWriter

pytestmark = pytest.mark.anyio

TRANSACTIONS = 120
BYTES = 1_000_000


@pytest.fixture
async def writer(tmp_path: Path):
    engine = writing_engine(tmp_path / "test.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)")
    writer = GroupWriter(engine)
    writer.start()
    yield writer
    await writer.close()
    engine.dispose()


def insert(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO t (x) VALUES (zeroblob(?))", (BYTES,))


def read_until(path: Path, stop: threading.Event) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        while not stop.is_set():
            connection.execute("SELECT max(id) FROM t").fetchone()


async def test_a_long_load_with_readers_leaves_a_bounded_wal(writer, tmp_path):
    path, stop, largest = tmp_path / "test.db", threading.Event(), 0
    readers = [threading.Thread(target=read_until, args=(path, stop)) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(TRANSACTIONS):
            await writer.transact(insert)
            largest = max(largest, (tmp_path / "test.db-wal").stat().st_size)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert path.stat().st_size > TRANSACTIONS * BYTES * 0.8
    assert largest < 64 << 20


async def test_a_checkpoint_runs_between_transactions(writer, tmp_path):
    await writer.transact(insert)
    assert (tmp_path / "test.db-wal").stat().st_size > BYTES
    row = await writer.between(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    assert row == (0, 0, 0)
    assert (tmp_path / "test.db-wal").stat().st_size == 0
    await writer.transact(insert)


async def test_what_fails_between_transactions_is_told_and_harms_nobody(writer):
    with pytest.raises(UnavailableError, match="nosuch"):
        await writer.between(lambda connection: connection.execute("SELECT * FROM nosuch"))
    with pytest.raises(ZeroDivisionError):
        await writer.between(lambda _connection: 1 // 0)
    await writer.transact(insert)


async def test_after_the_close_nothing_runs(writer):
    await writer.close()
    with pytest.raises(UnavailableError):
        await writer.between(lambda _connection: None)
