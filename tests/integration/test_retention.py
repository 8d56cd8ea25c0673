"""What is past its time goes, with all that is its own; what somebody may still ask for stays; the file shrinks."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from support.manual_clock import ManualClock
from support.runtime import PATIENCE, Bench, bench, for_ever, rows

from flowrun.commands.call_workflow import CallWorkflow
from flowrun.commands.execution_commands import CancelExecution, RetryExecution
from flowrun.commands.start_called import CALLS
from flowrun.commands.start_execution import StartExecution
from flowrun.config import Settings
from flowrun.coordinator.retention import Retention
from flowrun.domain.node_type import Failed
from flowrun.errors import NotFoundError
from flowrun.persistence.conversations import ConversationStore
from flowrun.persistence.expiry import delete_executions

pytestmark = pytest.mark.anyio

DAY = 86_400.0
LOG_ROWS = (
    (
        "INSERT INTO webhook_events (webhook_id, id, tenant_id, event_type, outcome, received_at)"
        " VALUES (:g, :key, 'acme', 'x', 'started', :at)"
    ),
    (
        "INSERT INTO events (tenant_id, id, source, event_id, type, attributes, outcome, filtered, received_at)"
        " VALUES (:g, :g || :key, 's', :key, 'x', '{}', CASE WHEN :left THEN 'pending' ELSE 'started' END, 0, :at)"
    ),
    "INSERT INTO event_deliveries (event_id, workflow_id, node_id, outcome) VALUES (:g || :key, 'w', 'n', 'started')",
    (
        "INSERT INTO schedule_fires (schedule_id, scheduled_at, decision, decided_at)"
        " VALUES (:g, :n, CASE WHEN :left THEN 'queued' ELSE 'started' END, :at)"
    ),
)
OWNED = {
    "executions": "id",
    "execution_events": "execution_id",
    "node_executions": "execution_id",
    "node_logs": "execution_id",
}


def retention(b: Bench, **settings: Any) -> Retention:
    """One of the test's own, beside the runtime's, which waits for its clock."""
    context = b.runtime.context
    return Retention(
        clock=context.clock,
        reader=context.reader,
        writer=context.writer,
        engine=b.engine,
        settings=Settings(data_dir=b.runtime.settings.data_dir, **settings),
    )


def left(data_dir: Path, table: str = "executions") -> int:
    return int(rows(data_dir, f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608


def size(data_dir: Path) -> int:
    return (data_dir / "flowrun.db").stat().st_size


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_ended_executions_go_when_they_are_old_enough_and_the_others_stay(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        await b.save("t -> a -> b")
        await b.save('t -> w; w: delay {"for": "400d"}', workflow="waits")
        waiting = await b.start(workflow="waits")
        old = await asyncio.gather(*[b.start(number) for number in range(250)])
        await asyncio.gather(*map(b.end, old))
        clock.advance(2 * DAY)
        young = await b.start()
        await b.end(young)
        clock.advance(DAY + 1)
        sweeper = retention(b, keep_executions=3 * DAY)
        await sweeper.sweep()
        assert {row["id"] for row in rows(tmp_path, "SELECT id FROM executions")} == {waiting, young}
        clock.advance(2 * DAY)
        await sweeper.sweep()
        for table, column in OWNED.items():
            assert rows(tmp_path, f"SELECT * FROM {table} WHERE {column} != ?", waiting) == []  # noqa: S608
        with pytest.raises(NotFoundError):
            await b.engine.look(young)


async def test_the_service_sweeps_by_itself(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_executions=DAY) as b:
        await b.save("t -> a")
        await b.end(await b.start())
        clock.advance(DAY)
        async with asyncio.timeout(PATIENCE):
            while left(tmp_path):
                clock.advance(60)
                await asyncio.sleep(0.01)


async def test_an_execution_that_is_still_to_start_another_one_stays(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        await b.save("t -> a")
        execution_id = await b.start()
        await b.end(execution_id)
        timer = (execution_id, clock.now() + 10 * DAY * 1000)
        insert = "INSERT INTO timers VALUES (?, '', '', 'error_workflow', ?)"
        await b.runtime.context.writer.transact(lambda connection: connection.exec_driver_sql(insert, timer))
        clock.advance(2 * DAY)
        await retention(b, keep_executions=DAY).sweep()
        assert left(tmp_path) == 1


async def test_a_called_execution_stays_as_long_as_its_caller_can_ask_for_it(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        await b.save("t -> a", workflow="called")
        await b.save('t -> w; w: delay {"for": "100d"}', workflow="caller")
        caller = await b.start(workflow="caller")
        call = CallWorkflow(
            tenant_id="acme", workflow_id="called", input=1, execution_id=caller, node_id="w", iteration="", key="k"
        )
        called = (await b.send(call))["execution_id"]
        await b.end(called)
        clock.advance(3 * DAY)
        sweeper = retention(b, keep_executions=DAY)
        await sweeper.sweep()
        assert left(tmp_path) == 2
        # What finds the call again is older than other keys may get, and stays with its caller.
        assert [row["scope"] for row in rows(tmp_path, "SELECT scope FROM idempotency_keys")] == ["call"]
        await b.send(CancelExecution(tenant_id="acme", execution_id=caller))
        await b.end(caller)
        await sweeper.sweep()
        assert [row["id"] for row in rows(tmp_path, "SELECT id FROM executions")] == [caller]
        clock.advance(2 * DAY)
        await sweeper.sweep()
        assert (left(tmp_path), left(tmp_path, "idempotency_keys")) == (0, 0)


async def test_an_execution_that_is_tried_again_at_that_moment_is_either_gone_or_whole(tmp_path, clock):
    async def fails(_job):
        return Failed("broken", "it is broken")

    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        b.step.plays["a"] = fails
        await b.save("t -> a")
        ids = await asyncio.gather(*[b.start() for _ in range(40)])
        await asyncio.gather(*map(b.end, ids))
        clock.advance(2 * DAY)
        b.step.plays.clear()
        retries = [b.send(RetryExecution(tenant_id="acme", execution_id=execution_id)) for execution_id in ids]
        sweep, *answers = await asyncio.gather(
            retention(b, keep_executions=DAY).sweep(), *retries, return_exceptions=True
        )
        assert sweep is None
        kept = {row["id"] for row in rows(tmp_path, "SELECT id FROM executions")}
        for execution_id, answer in zip(ids, answers, strict=True):
            assert isinstance(answer, NotFoundError) == (execution_id not in kept), answer
        await asyncio.gather(*map(b.end, kept))


async def test_what_has_ended_anew_since_it_was_found_stays(tmp_path, clock):
    async def fails(_job):
        return Failed("broken", "it is broken")

    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        b.step.plays["a"] = fails
        await b.save("t -> a")
        execution_id = await b.start()
        await b.end(execution_id)
        clock.advance(2 * DAY)
        found_before = clock.now() - 1
        await b.send(RetryExecution(tenant_id="acme", execution_id=execution_id))
        await b.end(execution_id)
        change = partial(delete_executions, execution_ids=[execution_id], ended_before=found_before, calls=CALLS)
        assert await b.runtime.context.writer.transact(change) == 0
        assert left(tmp_path) == 1


async def test_nobody_decides_over_what_is_being_deleted(tmp_path):
    async def fails(_job):
        return Failed("broken", "it is broken")

    async with bench(tmp_path) as b:
        b.step.plays["a"] = fails
        await b.save("t -> a")
        execution_id = await b.start()
        await b.end(execution_id)
        retry = RetryExecution(tenant_id="acme", execution_id=execution_id)
        with b.engine.withdrawn([execution_id]) as free:
            assert free == [execution_id]
            with pytest.raises(NotFoundError):
                await b.send(retry)
        b.step.plays.clear()
        await b.send(retry)
        assert (await b.end(execution_id)).status == "completed"


async def test_idempotency_keys_are_kept_for_a_day(tmp_path, clock):
    async with bench(tmp_path, clock=clock) as b:
        await b.save("t -> a")
        start = StartExecution(tenant_id="acme", workflow_id="w", input=None, idempotency_key="k1")
        first = await b.send(start)
        sweeper = retention(b)
        clock.advance(DAY - 60)
        await sweeper.sweep()
        assert await b.send(start) == first
        clock.advance(120)
        await sweeper.sweep()
        assert left(tmp_path, "idempotency_keys") == 0
        assert await b.send(start) != first


async def test_logs_go_by_their_age_but_for_what_is_still_to_be_done(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_logs=None) as b:
        before, after = clock.now() - 1, clock.now() + 1

        def fill(connection):
            for group in ("a", "b", "c"):
                for number in range(450):
                    values = {"g": group, "n": number, "key": f"{number:05}", "at": before if number < 420 else after}
                    values["left"] = number == 7
                    for statement in LOG_ROWS:
                        connection.execute(text(statement), values)

        await b.runtime.context.writer.transact(fill)
        clock.advance(10 * DAY)
        await retention(b, keep_logs=10 * DAY).sweep()
        assert left(tmp_path, "webhook_events") == 3 * 30
        assert left(tmp_path, "events") == 3 * 31
        assert left(tmp_path, "event_deliveries") == 3 * 31
        assert left(tmp_path, "schedule_fires") == 3 * 31
        assert rows(tmp_path, "SELECT count(*) AS n FROM schedule_fires WHERE decision = 'queued'") == [{"n": 3}]


async def test_conversations_go_when_nobody_has_spoken_for_so_long(tmp_path, clock):
    async with bench(tmp_path, clock=clock) as b:
        context = b.runtime.context
        store = ConversationStore(context.reader, context.writer, context.clock)
        for number in range(1_200):
            await store.change("acme", "w", f"{number:04}", lambda turns: [*turns, {"text": "first"}])
        clock.advance(DAY)
        await store.change("acme", "w", "0700", lambda turns: [*turns, {"text": "again"}])
        await store.change("other", "w", "0000", lambda turns: [*turns, {"text": "first"}])
        await retention(b).sweep()
        assert left(tmp_path, "conversations") == 1_201
        await retention(b, keep_conversations=DAY).sweep()
        assert left(tmp_path, "conversations") == 1_201
        clock.advance(1)
        await retention(b, keep_conversations=DAY).sweep()
        assert left(tmp_path, "conversations") == 2
        assert await store.turns("acme", "w", "0700") == [{"text": "first"}, {"text": "again"}]
        plan = rows(
            tmp_path, "EXPLAIN QUERY PLAN SELECT id FROM conversations WHERE updated_at < 1 ORDER BY updated_at"
        )
        assert "conversations_by_age" in plan[0]["detail"]


async def test_the_file_shrinks_when_much_has_gone(tmp_path, clock):
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        await b.save("t -> a")
        await asyncio.gather(*[b.end(await b.start("x" * 100_000)) for _ in range(250)])
        full = size(tmp_path) + (tmp_path / "flowrun.db-wal").stat().st_size
        assert full > 25_000_000
        clock.advance(2 * DAY)
        await retention(b, keep_executions=DAY).sweep()
        assert left(tmp_path) == 0
        assert size(tmp_path) < 2_500_000
        assert (tmp_path / "flowrun.db-wal").stat().st_size == 0


async def test_the_file_is_held_to_a_size_by_deleting_the_oldest(tmp_path, clock):
    limit = 16 << 20
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        await b.save("t -> a")
        sweeper, made = retention(b, keep_bytes=limit, keep_executions=None), list[str]()
        for _ in range(4):
            ids = await asyncio.gather(*[b.start("x" * 50_000) for _ in range(120)])
            await asyncio.gather(*map(b.end, ids))
            made += sorted(ids)
            clock.advance(1)
            await sweeper.sweep()
            assert size(tmp_path) <= limit
        kept = [row["id"] for row in rows(tmp_path, "SELECT id FROM executions ORDER BY id")]
        assert 60 < len(kept) < 300
        assert kept == made[-len(kept) :]


async def test_what_has_not_ended_is_never_deleted_for_its_size(tmp_path, clock, caplog):
    async with bench(tmp_path, clock=clock, keep_executions=None) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a")
        for _ in range(20):
            await b.start("x" * 500_000)
        sweeper = retention(b, keep_bytes=4 << 20, keep_executions=None)
        for _ in range(2):
            await sweeper.sweep()
        assert left(tmp_path) == 20
        (told,) = [record.message for record in caplog.records if "keep_bytes" in record.message]
        assert told.endswith("is to have 4 (keep_bytes), but no more executions can be deleted")
