"""Stored executions, read back alone and very many at once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from support.graphs import graph

from flowrun.domain.decide import decide
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Start
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.database import ReadOnly, writing_engine
from flowrun.persistence.execution_store import ExecutionStore
from flowrun.persistence.executions import rows_of

GRAPH = graph("t -> a -> b")
MANY = 500


class Graphs:
    """Knows one workflow."""

    async def get(self, _tenant_id, _workflow_id, _version=None):
        return GRAPH


class Counting(ReadOnly):
    """Counts what is read."""

    reads = 0

    async def all(self, query, params=None):
        self.reads += 1
        return await super().all(query, params)


def begun(eid):
    execution = Execution(eid, "acme", GRAPH)
    decision = decide(execution, [Start("t", {"type": "manual", "body": {"n": eid}})], 1_000, lambda: 0.5)
    return execution, rows_of(execution, decision, created=True, epoch=1)


@pytest.fixture
async def reader(tmp_path):
    path = tmp_path / "flowrun.db"
    engine = writing_engine(path)
    t.metadata.create_all(engine)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(MANY):
            begun(f"e{number}")[1].write(connection.execute)
        connection.execute("UPDATE execution_events SET type = 'Unheard' WHERE execution_id = 'e7'")
    found = Counting(path)
    yield found
    await found.close()
    engine.dispose()


async def test_what_is_read_is_what_was_committed_and_each_callers_own(reader):
    store = ExecutionStore(reader, Graphs(), None)
    one, same = await asyncio.gather(store.load("e1"), store.load("e1"))
    wanted, _ = begun("e1")
    assert one is not same
    assert (one.seq, one.input, one.active) == (wanted.seq, wanted.input, wanted.active)
    assert {key: run.status for key, run in one.runs.items()} == {key: r.status for key, r in wanted.runs.items()}


async def test_many_that_are_wanted_at_once_are_read_together(reader):
    store = ExecutionStore(reader, Graphs(), None)
    ids = [f"e{number}" for number in range(MANY) if number != 7]
    found = await asyncio.gather(*map(store.load, ids))
    assert [one.id for one in found] == ids
    assert reader.reads < MANY / 10


async def test_one_that_cannot_be_read_fails_alone(reader):
    store = ExecutionStore(reader, Graphs(), None)
    ids = ["e5", "e6", "e7", "nobody", "e8"]
    found = await asyncio.gather(*map(store.load, ids), return_exceptions=True)
    assert [type(one) for one in found] == [Execution, Execution, KeyError, NotFoundError, Execution]


async def test_who_asks_no_more_holds_up_nobody(reader):
    store = ExecutionStore(reader, Graphs(), None)
    tasks = [asyncio.ensure_future(store.load(f"e{number}")) for number in range(10, 30)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, Execution) for one in found) == len(tasks) - 1
    assert (await store.load("e1")).id == "e1"


async def test_a_read_that_fails_is_told_to_all_and_the_next_one_works(reader, monkeypatch):
    store = ExecutionStore(reader, Graphs(), None)

    async def broken(_query, _params=None):
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(reader, "all", broken)
        found = await asyncio.gather(*(store.load(f"e{number}") for number in range(20)), return_exceptions=True)
    assert {type(one) for one in found} == {OSError}
    assert (await store.load("e1")).id == "e1"
