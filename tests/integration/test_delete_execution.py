"""An execution is deleted by hand: with all that is its own, and not while anybody may still ask for it."""

from __future__ import annotations

import asyncio

import pytest
from support.manual_clock import ManualClock
from support.runtime import bench, rows

from flowrun.commands.delete_execution import DeleteExecution
from flowrun.commands.execution_commands import CancelExecution, RetryExecution
from flowrun.domain.node_type import Failed
from flowrun.errors import ConflictError, NotFoundError
from flowrun.queries.get_execution import GetExecution

pytestmark = pytest.mark.anyio

TABLES = ("executions", "execution_events", "node_executions", "node_logs", "timers", "jobs")
CALLER = 't -> c -> z; c: workflow {"workflow_id": "called"}'


def delete(execution_id, tenant="acme"):
    return DeleteExecution(tenant_id=tenant, execution_id=execution_id)


def left(data_dir):
    return [sum(row["n"] for row in rows(data_dir, f"SELECT count(*) AS n FROM {name}")) for name in TABLES]  # noqa: S608


async def told(data_dir):
    """Callers have been told of the ends: nothing is to be done any more."""
    while left(data_dir)[TABLES.index("timers")]:  # noqa: ASYNC110 - the database tells of it
        await asyncio.sleep(0.005)


async def fails(_job):
    return Failed("broken", "it is broken")


async def test_an_ended_execution_goes_with_all_that_is_its_own(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a -> b")
        gone, kept = await b.start(), await b.start()
        await asyncio.gather(b.end(gone), b.end(kept))
        assert await b.send(delete(gone)) == {"id": gone, "deleted": True}
        for message in (delete(gone), GetExecution(tenant_id="acme", execution_id=gone)):
            with pytest.raises(NotFoundError):
                await b.send(message)
        assert [row["id"] for row in rows(tmp_path, "SELECT id FROM executions")] == [kept]
        assert {row["execution_id"] for row in rows(tmp_path, "SELECT execution_id FROM node_executions")} == {kept}
        await b.send(delete(kept))
        assert left(tmp_path) == [0] * len(TABLES)


async def test_what_another_tenant_has_is_not_there(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a")
        theirs = await b.start()
        await b.end(theirs)
        with pytest.raises(NotFoundError):
            await b.send(delete(theirs, tenant="other"))
        assert left(tmp_path)[0] == 1


@pytest.mark.parametrize("flow", ['t -> w; w: delay {"for": "1d"}', "t -> w; w: wait_for_signal {}"])
async def test_what_has_not_ended_stays(tmp_path, flow):
    async with bench(tmp_path, clock=ManualClock()) as b:
        await b.save(flow)
        waiting = await b.start()
        before = left(tmp_path)
        with pytest.raises(ConflictError, match="under way; cancel it first"):
            await b.send(delete(waiting))
        assert left(tmp_path) == before
        await b.send(CancelExecution(tenant_id="acme", execution_id=waiting))
        await b.end(waiting)
        await b.send(delete(waiting))
        assert left(tmp_path) == [0] * len(TABLES)


async def test_a_called_execution_stays_until_its_caller_has_ended(tmp_path):
    async with bench(tmp_path) as b:
        held = asyncio.Event()

        async def holds(_job):
            await held.wait()
            return Failed("broken", "it is broken")

        b.step.plays["z"] = holds
        await b.save("t -> a", workflow="called")
        await b.save(CALLER, workflow="caller")
        caller = await b.start(workflow="caller")
        while not (ended := rows(tmp_path, "SELECT id FROM executions WHERE finished_at IS NOT NULL")):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
        called = ended[0]["id"]
        with pytest.raises(ConflictError, match="was called by one that is under way"):
            await b.send(delete(called))
        held.set()
        await b.end(caller)
        await told(tmp_path)
        await b.send(delete(called))
        b.step.plays.clear()
        # Its caller has what it gave, and can go on without it.
        await b.send(RetryExecution(tenant_id="acme", execution_id=caller))
        assert (await b.end(caller)).status == "completed"
        await b.send(delete(caller))
        assert left(tmp_path) == [0] * len(TABLES)


async def test_a_call_that_is_made_anew_does_not_miss_what_was_deleted(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = fails
        await b.save("t -> a", workflow="called")
        await b.save(CALLER, workflow="caller")
        caller = await b.start(workflow="caller")
        assert (await b.end(caller)).status == "failed"
        await told(tmp_path)
        called = next(row["id"] for row in rows(tmp_path, "SELECT id FROM executions WHERE workflow_id = 'called'"))
        await b.send(delete(called))
        b.step.plays.clear()
        await b.send(RetryExecution(tenant_id="acme", execution_id=caller))
        assert (await b.end(caller)).status == "completed"


async def test_one_that_is_tried_again_at_that_moment_is_either_gone_or_whole(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = fails
        await b.save("t -> a")
        ids = [await b.start() for _ in range(20)]
        await asyncio.gather(*map(b.end, ids))
        b.step.plays.clear()
        both = [
            message
            for number, one in enumerate(ids)
            for message in sorted(
                (delete(one), RetryExecution(tenant_id="acme", execution_id=one)),
                key=lambda message: isinstance(message, DeleteExecution) is (number % 2 == 0),
            )
        ]
        answers = await asyncio.gather(*map(b.send, both), return_exceptions=True)
        kept = {row["id"] for row in rows(tmp_path, "SELECT id FROM executions")}
        assert 0 < len(kept) < len(ids)
        for message, answer in zip(both, answers, strict=True):
            fits = isinstance(message, RetryExecution) is (message.execution_id in kept)
            assert isinstance(answer, NotFoundError | ConflictError) is not fits, (message, answer)
        endings = await asyncio.gather(*map(b.end, kept))
        assert {ending.status for ending in endings} == {"completed"}
