"""The runtime ends in the middle of its work, and the next one on the same directory carries on."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from support.invariants import check_database
from support.manual_clock import ManualClock
from support.runtime import bench, for_ever, rows

from flowrun.bootstrap.parts import Parts
from flowrun.commands.execution_commands import CancelExecution, PauseExecution, ResumeExecution
from flowrun.errors import ConfigurationError

pytestmark = pytest.mark.anyio


async def test_work_is_carried_on_and_completed_nodes_do_not_run_again(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["b"] = for_ever
        await b.save("t -> a -> b -> c; t -> d")
        ids = [await b.start(number) for number in range(10)]
        await b.step.begun("b", 10)
        await b.step.begun("d", 10)
    assert rows(tmp_path, "SELECT count(*) AS jobs FROM jobs WHERE node_id = 'b'") == [{"jobs": 10}]
    async with bench(tmp_path) as b:
        endings = await asyncio.gather(*map(b.end, ids))
        assert {ending.status for ending in endings} == {"completed"}
        assert b.step.runs["a"] == 0
        assert (b.step.runs["b"], b.step.runs["c"]) == (10, 10)
    assert check_database(tmp_path / "flowrun.db") == 10


async def test_many_restarts_in_a_row_lose_nothing(tmp_path):
    text = "t -> " + " -> ".join(f"n{number}" for number in range(5))
    async with bench(tmp_path) as b:
        await b.save(text)
        b.step.plays["n0"] = for_ever
        ids = [await b.start() for _ in range(3)]
        await b.step.begun("n0", 3)
    for number in range(1, 5):
        async with bench(tmp_path) as b:
            b.step.plays[f"n{number}"] = for_ever
            await b.step.begun(f"n{number}", 3)
            assert set(b.step.runs) == {f"n{number - 1}", f"n{number}"}
    async with bench(tmp_path) as b:
        assert {(await b.end(execution_id)).status for execution_id in ids} == {"completed"}


async def test_interrupted_node_that_must_not_run_again_fails_as_lost(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a; no_interrupt a; a -error-> b")
        execution_id = await b.start()
        await b.step.begun("a")
    async with bench(tmp_path) as b:
        ending = await b.end(execution_id)
        assert ending.status == "completed"
        assert b.step.runs == {"b": 1}
        assert b.step.jobs[0].input["error"]["type"] == "worker_lost"


async def test_node_that_kills_its_process_every_time_ends_as_failed(tmp_path, monkeypatch):
    async def nothing(_parts):
        """A process that dies records nothing."""

    monkeypatch.setattr(Parts, "_give_back", nothing)
    async with bench(tmp_path) as b:
        await b.save("t -> a")
        b.step.plays["a"] = for_ever
        execution_id = await b.start()
        await b.step.begun("a")
    for _ in range(5):  # From the second process on its start is committed before it begins.
        async with bench(tmp_path) as b:
            b.step.plays["a"] = for_ever
            await b.step.begun("a")
    async with bench(tmp_path) as b:
        ending = await b.end(execution_id)
        assert (ending.status, ending.error["type"]) == ("failed", "worker_lost")
        assert b.step.runs == {}


async def test_stopping_the_service_however_often_is_no_sign_against_a_node(tmp_path):
    async with bench(tmp_path) as b:
        await b.save("t -> a")
        b.step.plays["a"] = for_ever
        execution_id = await b.start()
        await b.step.begun("a")
    for _ in range(6):
        async with bench(tmp_path) as b:
            b.step.plays["a"] = for_ever
            await b.step.begun("a")
    assert rows(tmp_path, "SELECT lost, status FROM node_executions WHERE node_id = 'a'") == [
        {"lost": 0, "status": "queued"}
    ]
    async with bench(tmp_path) as b:
        assert (await b.end(execution_id)).status == "completed"


async def test_timers_fire_after_a_restart_and_keep_their_times(tmp_path):
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await b.save('t -> w -> a; w: delay {"for": "1h"}')
        first, second = await b.start(1), None
        clock.advance(1800)
        second = await b.start(2)
    clock.advance(1800)
    async with bench(tmp_path, clock=clock) as b:
        assert (await b.end(first)).status == "completed"
        assert [job.input for job in b.step.jobs] == [1]
        clock.advance(1800)
        assert (await b.end(second)).status == "completed"


async def test_paused_execution_stays_paused_over_a_restart(tmp_path):
    async with bench(tmp_path) as b:
        b.step.plays["a"] = for_ever
        await b.save("t -> a -> b", timeout=3600.0)
        execution_id = await b.start()
        await b.step.begun("a")
        await b.send(PauseExecution(tenant_id="acme", execution_id=execution_id))
    async with bench(tmp_path) as b:
        other = await b.start()
        assert (await b.end(other)).status == "completed"
        assert b.step.runs["a"] == 1, "what the stop has cut off waits for the resumption, too"
        await b.send(ResumeExecution(tenant_id="acme", execution_id=execution_id))
        assert (await b.end(execution_id)).status == "completed"


async def test_cancellation_under_way_at_the_restart_ends_as_cancelled(tmp_path):
    async def stubborn(_job):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if closing.is_set():
                    raise

    closing = asyncio.Event()
    async with bench(tmp_path) as b:
        b.step.plays["a"] = stubborn
        await b.save("t -> a")
        execution_id = await b.start()
        await b.step.begun("a")
        answer = await b.send(CancelExecution(tenant_id="acme", execution_id=execution_id))
        assert answer["status"] == "cancelling"
        closing.set()
    async with bench(tmp_path) as b:
        assert (await b.end(execution_id)).status == "cancelled"
        assert b.step.runs == {}


async def test_second_runtime_on_the_same_directory_is_refused(tmp_path):
    async with bench(tmp_path):
        with pytest.raises(ConfigurationError, match="Another flowrun"):
            async with bench(tmp_path):
                pytest.fail("it started")


async def test_second_process_on_the_same_directory_is_refused(tmp_path):
    code = (
        "import sys; from pathlib import Path; from flowrun.persistence.database import DataLock\n"
        "from flowrun.errors import ConfigurationError\n"
        "try:\n    DataLock(Path(sys.argv[1])).__enter__()\n"
        "except ConfigurationError as error: sys.exit(f'refused: {error}')"
    )
    async with bench(tmp_path):
        command = [sys.executable, "-c", code, str(tmp_path)]
        result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert "refused: Another flowrun" in result.stderr
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
