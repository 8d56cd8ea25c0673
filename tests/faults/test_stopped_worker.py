"""Workers that are stopped past their deadline and then go on, and nodes that kill their worker."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives
from support.manual_clock import ManualClock
from support.runtime import bench, rows

from flowrun.domain.node_type import Completed

pytestmark = pytest.mark.anyio


async def test_a_result_that_comes_after_its_attempt_was_given_up_is_refused_and_recorded(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def stubborn(job):
        while job.attempt == 1 and not goes_on.is_set():
            with suppress(asyncio.CancelledError):  # It listens to nobody.
                await goes_on.wait()
        return Completed(f"attempt {job.attempt}")

    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        b.step.plays["a"] = stubborn
        await b.save("t -> a; timeout a 0.05; retry a 3")
        execution_id = await b.start()
        await b.step.begun("a")
        while not rows(tmp_path, "SELECT 1 FROM execution_events WHERE type = 'NodeRetrying'"):
            clock.advance(1)
            await asyncio.sleep(0.01)
        goes_on.set()
        while not rows(tmp_path, "SELECT 1 FROM node_logs"):
            clock.advance(1)
            await asyncio.sleep(0.01)
        ending = await b.end(execution_id)
    assert (ending.status, ending.output) == ("completed", "attempt 2")
    (log,) = rows(tmp_path, "SELECT * FROM node_logs")
    assert "its result is refused" in log["lines"]
    assert len(rows(tmp_path, "SELECT 1 FROM execution_events WHERE type = 'NodeCompleted' AND node_id = 'a'")) == 1


@pytest.mark.slow
async def test_a_process_that_was_stopped_past_every_deadline_goes_on(tmp_path: Path) -> None:
    with Lives(tmp_path, deadline="400ms") as lives:
        process = lives.service.process
        assert process is not None
        lives.neighbour.hold("/chain/two")
        async with lives.clients() as clients:
            lives.post(clients, "chain", 5)
            await lives.until(lambda: len(lives.neighbour.called("/chain/two")) >= 5)
            process.send_signal(signal.SIGSTOP)
            lives.neighbour.release("/chain/two")
            await asyncio.sleep(0.8)  # Twice the deadline: the only way to let it pass is to let it pass.
            process.send_signal(signal.SIGCONT)
        await lives.stop()
        promises.each_acceptance_has_one_execution_that_ended_well(lives.database, lives.journal)
        promises.hold_history(lives.database)


@pytest.mark.slow
async def test_a_node_that_kills_its_worker_each_time_ends_as_lost_and_the_others_go_on(tmp_path: Path) -> None:
    with Lives(tmp_path) as lives:
        lives.deadly["/chain/two"] = 100
        async with lives.clients() as clients:
            lives.post(clients, "chain")
            lives.post(clients, "fan-in", 5)
            for _ in range(6):
                process = lives.service.process
                assert process is not None
                await asyncio.to_thread(process.wait, 20)
                lives.journal.note("killed")
                await asyncio.to_thread(lives.up)
        await lives.stop()
        promises.hold(lives.database, lives.journal, in_flight=64)
        ended = {row["workflow_id"]: row["status"] for row in promises.rows(lives.database, "SELECT * FROM executions")}
        assert (ended["chain"], ended["fan-in"]) == ("failed", "completed")
        assert "worker_lost" in str(promises.rows(lives.database, "SELECT data FROM execution_events"))
    assert len(lives.neighbour.called("/chain/two")) == 6, "the first, whose start was not recorded, and five"
