"""What nodes log, on the real writer: bounded, without secrets, in batches, numbered over attempts."""

from __future__ import annotations

import asyncio
import base64

import pytest
from sqlalchemy import select
from support.manual_clock import ManualClock

from flowrun.domain.turn import Job
from flowrun.persistence import tables as t
from flowrun.persistence.database import ReadOnly, writing_engine
from flowrun.persistence.node_logs import numbered_lines
from flowrun.persistence.writer import GroupWriter
from flowrun.workers.logs import EVERY, MAX_ATTEMPT, MAX_LINE, NodeLogs

SECRET = "sk-live-1234567890"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"


class World:
    """The logs, and what the database has of them."""

    def __init__(self, writer, reader):
        self.clock, self.writer, self.reader = ManualClock(), writer, reader
        self.units = []
        self.written = asyncio.Event()
        self._submit, writer.submit = writer.submit, self._noting
        self.logs = NodeLogs(writer, self.clock)

    def _noting(self, unit):
        self._submit(unit)
        self.units.append(unit)
        self.written.set()

    def open(self, *hidden, attempt=1, node="n"):
        job = Job("e", node, "", 1, attempt, 0, "acme", "w", "code", "agent", {}, None, 60.0, False, 0)
        return self.logs.open(job, hidden)

    async def rows(self):
        await self.writer.transact(lambda _connection: None)
        return await self.reader.all(select(t.node_logs).order_by(t.node_logs.c.node_id, t.node_logs.c.seq))

    async def lines(self):
        return [text for row in await self.rows() for _, _, text in numbered_lines(row)]


@pytest.fixture
async def world(tmp_path):
    engine = writing_engine(tmp_path / "flowrun.db")
    t.metadata.create_all(engine)
    writer, reader = GroupWriter(engine), ReadOnly(tmp_path / "flowrun.db")
    writer.start()
    yield World(writer, reader)
    await writer.close()
    await reader.close()
    engine.dispose()


async def test_an_attempt_that_logs_nothing_writes_nothing(world):
    before = asyncio.all_tasks()
    world.open(SECRET).close()
    assert not world.units
    assert asyncio.all_tasks() == before, "nor does anything wait"


async def test_lines_of_all_attempts_are_written_together_after_a_while(world):
    one, other = world.open(), world.open(node="other")
    for number in range(100):
        one.write(f"line {number}")
    other.write("two\nlines")
    await asyncio.sleep(0)  # The writing begins to wait.
    assert not world.units
    world.clock.advance(EVERY)
    await world.written.wait()
    assert len(world.units) == 1
    first, second = await world.rows()
    assert (first["seq"], numbered_lines(first)[99]) == (100, (100, world.clock.now() - 250, "line 99"))
    assert [text for _, _, text in numbered_lines(second)] == ["two", "lines"]


async def test_the_end_of_an_attempt_writes_what_is_left(world):
    log = world.open()
    log.write("last words")
    log.close()
    log.write("too late")
    log.close()
    assert await world.lines() == ["last words"]
    assert len(world.units) == 2, "the write, and the one of this test that waits for it"
    world.logs.close()


async def test_what_is_left_is_written_when_the_process_stops(world):
    world.open().write("half way")
    world.logs.close()
    assert await world.lines() == ["half way"]


async def test_lines_are_numbered_over_attempts(world):
    for attempt in (1, 1, 2):
        log = world.open(attempt=attempt)
        log.write("a\nb")
        log.close()
    rows = await world.rows()
    assert [(row["seq"], row["attempt"]) for row in rows] == [(2, 1), (4, 1), (6, 2)]
    assert [seq for row in rows for seq, _, _ in numbered_lines(row)] == [1, 2, 3, 4, 5, 6]


async def test_a_line_and_an_attempt_have_an_end(world):
    log = world.open()
    log.write("ü" * MAX_LINE)
    for number in range(100):
        log.write(f"{number} " + "x" * 1000)
    log.write("and\nmore")
    log.write("y" * (MAX_ATTEMPT + 10))
    log.close()
    first, *_, last = await world.lines()
    kept = await world.lines()
    assert first.endswith("ü […]")
    assert MAX_LINE - 2 <= len(first.encode()) <= MAX_LINE
    assert sum(len(line.encode()) + 1 for line in kept[:-1]) <= MAX_ATTEMPT
    dropped = 1 + 100 + 3 - len(kept[:-1])
    assert last == f"{dropped} more lines were dropped: an attempt may log 65,536 bytes"


async def test_a_flood_in_one_text_has_an_end(world):
    log = world.open(SECRET)
    log.write("z\n" * 1_000_000)
    log.close()
    *kept, last = await world.lines()
    assert len(kept) == MAX_ATTEMPT // 2
    assert last.startswith(f"{1_000_000 - len(kept):,} more lines were dropped")


@pytest.mark.parametrize(
    "text",
    [
        f"the key is {SECRET}!",
        f"Authorization: Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}",
        f"cut at the end: {SECRET[:12]}",
        PEM,
        PEM.splitlines()[1],
        "x" * (MAX_ATTEMPT - 10) + SECRET,
    ],
)
async def test_secrets_are_taken_out(world, text):
    log = world.open(SECRET, PEM)
    log.write(text)
    log.close()
    stored = "\n".join(await world.lines())
    assert all(part not in stored for part in (SECRET, SECRET[:12], base64.b64encode(SECRET.encode()).decode()[:12]))
    assert all(line not in stored for line in PEM.splitlines())


async def test_what_no_database_takes_is_taken_out(world):
    log = world.open()
    log.write("nul \0 and half a character \ud83d")
    log.write("")
    log.close()
    assert await world.lines() == ["nul  and half a character ?", ""]


async def test_a_writer_that_is_closed_loses_the_lines_and_nothing_else(world, caplog):
    await world.writer.close()
    log = world.open()
    log.write("nobody hears it")
    log.close()
    assert "cannot be stored" in caplog.text
