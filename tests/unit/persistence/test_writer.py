"""The group writer on a real database file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, select

from flowrun.errors import ConflictError, UnavailableError
from flowrun.persistence import bulk
from flowrun.persistence import tables as t
from flowrun.persistence.bulk import Row, Rows
from flowrun.persistence.database import writing_engine
from flowrun.persistence.writer import GroupWriter, Unit


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    found = writing_engine(tmp_path / "test.db")
    t.metadata.create_all(found)
    yield found
    found.dispose()


@pytest.fixture
async def writer(engine: Engine) -> AsyncIterator[GroupWriter]:
    found = GroupWriter(engine)
    found.start()
    yield found
    await found.close()


def event_row(execution: str, seq: int) -> Row:
    return (execution, seq, 0, "NodeQueued", "a", "", None)


def add_tenant(name: str):
    def change(connection: Connection) -> str:
        connection.execute(insert(t.tenants).values(id=name, name=name, status="active", created_at=0))
        return name

    return change


async def submitted(writer: GroupWriter, rows: list[Row], kind: bulk.Bulk = bulk.INSERT_EVENTS) -> object:
    """Submit rows as one unit; gives its error."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    unit_rows = Rows()
    unit_rows.add(kind, rows)
    writer.submit(Unit(lambda _result, error: future.set_result(error), rows=unit_rows))
    return await future


def stored(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
async def test_any_number_of_rows_is_written_whole(writer: GroupWriter, engine: Engine, count: int) -> None:
    assert await submitted(writer, [event_row("e", seq) for seq in range(count)]) is None
    assert stored(engine, "execution_events") == count


async def test_a_unit_that_breaks_a_constraint_fails_alone(writer: GroupWriter, engine: Engine) -> None:
    await submitted(writer, [event_row("e", 1)])
    results = await asyncio.gather(
        submitted(writer, [event_row("a", 1)]),
        submitted(writer, [event_row("b", 1), event_row("e", 1)]),
        submitted(writer, [event_row("c", 1)]),
        writer.transact(add_tenant("acme")),
    )
    assert results[0] is None
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert results[2] is None
    assert results[3] == "acme"
    with engine.connect() as connection:
        assert connection.scalars(select(t.execution_events.c.execution_id)).all() == ["a", "c", "e"]


async def test_a_function_that_raises_leaves_nothing_and_harms_nobody(writer: GroupWriter, engine: Engine) -> None:
    def refused(connection: Connection) -> None:
        add_tenant("half")(connection)
        raise ConflictError("no")

    outcomes = await asyncio.gather(
        writer.transact(add_tenant("one")),
        writer.transact(refused),
        writer.transact(add_tenant("two")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], ConflictError)
    with engine.connect() as connection:
        assert set(connection.scalars(select(t.tenants.c.id))) == {"one", "two"}


async def test_a_cancelled_caller_does_not_cancel_its_transaction(writer: GroupWriter, engine: Engine) -> None:
    task = asyncio.create_task(writer.transact(add_tenant("acme")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.transact(lambda _connection: None)
    assert stored(engine, "tenants") == 1


async def test_a_database_that_cannot_grow_is_unavailable_and_comes_back(writer: GroupWriter, engine: Engine) -> None:
    def limit(pages: int):
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()

    await writer.transact(limit(1))  # SQLite takes the present size instead: the file is full.
    big = [("e", seq, 0, "NodeQueued", "a", "", "x" * 4000) for seq in range(100)]
    assert isinstance(await submitted(writer, big), UnavailableError)
    await writer.transact(limit(1_000_000))
    assert await submitted(writer, big) is None
    assert stored(engine, "execution_events") == 100


async def test_closing_commits_what_was_submitted_and_refuses_more(engine: Engine) -> None:
    writer = GroupWriter(engine)
    writer.start()
    last = asyncio.create_task(writer.transact(add_tenant("acme")))
    await asyncio.sleep(0)
    await writer.close()
    assert await last == "acme"
    with pytest.raises(UnavailableError):
        await writer.transact(add_tenant("late"))


async def test_rows_of_one_key_are_replaced_deleted_and_updated(writer: GroupWriter, engine: Engine) -> None:
    timers = [("e", "n", "", "retry", due) for due in (10, 20)]
    for timer in timers:
        assert await submitted(writer, [timer], bulk.UPSERT_TIMERS) is None
    with engine.connect() as connection:
        assert connection.scalars(select(t.timers.c.due_at)).all() == [20]
    assert await submitted(writer, [("e", "n", "", "retry")], bulk.DELETE_TIMERS) is None
    assert stored(engine, "timers") == 0
    executions = [(f"e{n}", "acme", "w", 1, "running", "manual", None, None, None, 0, 0, None) for n in range(3)]
    await submitted(writer, executions, bulk.INSERT_EXECUTIONS)
    changes = [("e0", "failed", None, 7, 0, 5), ("e2", "completed", None, 9, 0, 6)]
    assert await submitted(writer, changes, bulk.UPDATE_EXECUTIONS) is None
    with engine.connect() as connection:
        rows = connection.execute(select(t.executions.c.status, t.executions.c.result_seq)).all()
    assert rows == [("failed", 7), ("running", None), ("completed", 9)]


async def test_deleting_by_key_uses_the_key(engine: Engine) -> None:
    with engine.connect() as connection:
        text = bulk.DELETE_JOBS.sql(2)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("a", "b", "c", "d", "e", "f")).all()
    assert any("SEARCH jobs USING PRIMARY KEY" in row[3] for row in plan), plan
