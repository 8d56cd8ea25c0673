"""The stored conversations on a real database file."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial

import pytest
from support.manual_clock import ManualClock

from flowrun.persistence import tables as t
from flowrun.persistence.conversations import ConversationStore
from flowrun.persistence.database import ReadOnly, writing_engine
from flowrun.persistence.writer import GroupWriter


@pytest.fixture
async def store(tmp_path):
    engine = writing_engine(tmp_path / "flowrun.db")
    t.metadata.create_all(engine)
    writer, reader = GroupWriter(engine), ReadOnly(tmp_path / "flowrun.db")
    writer.start()
    yield ConversationStore(reader, writer, ManualClock())
    await writer.close()
    await reader.close()
    engine.dispose()


def adding(number, turns):
    return [*turns, {"key": number}]


async def test_what_was_written_is_read(store):
    assert await store.turns("acme", "w", "c") == []
    await store.change("acme", "w", "c", partial(adding, 1))
    await store.change("acme", "w", "c", partial(adding, 2))
    assert await store.turns("acme", "w", "c") == [{"key": 1}, {"key": 2}]


async def test_changes_at_the_same_time_are_not_lost(store):
    await asyncio.gather(*(store.change("acme", "w", "c", partial(adding, number)) for number in range(50)))
    assert sorted(turn["key"] for turn in await store.turns("acme", "w", "c")) == list(range(50))


async def test_tenants_and_workflows_are_apart(store, tmp_path):
    for place in (("acme", "w", "c"), ("bolt", "w", "c"), ("acme", "v", "c"), ("acme", "w", "d")):
        await store.change(*place, partial(adding, "/".join(place)))
        assert await store.turns(*place) == [{"key": "/".join(place)}]
    with closing(sqlite3.connect(tmp_path / "flowrun.db")) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (4,)
