"""The system clock is set an hour back and forth: timers and times fire once, and none before it is due."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import promises
from support.manual_clock import ManualClock
from support.runtime import Bench, bench, rows

from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow

pytestmark = pytest.mark.anyio
HOUR = 3600
DELAYED = 't -> w -> a; w: delay {"for": "1h"}'
PROBE = "t -> probe"


async def settled(b: Bench) -> None:
    """Return when the service has seen the time: an execution that came after it has ended, and another."""
    for _ in range(2):
        await b.end(await b.start(workflow="probe"))


async def test_a_delay_outlasts_a_clock_that_is_set_back_and_forth(tmp_path: Path) -> None:
    clock = ManualClock()
    async with bench(tmp_path, clock=clock) as b:
        await b.save(DELAYED)
        await b.save(PROBE, workflow="probe")
        first = await b.start()
        for seconds in (-HOUR, HOUR, HOUR - 1, -HOUR, HOUR):
            clock.advance(seconds)
            await settled(b)
            assert b.step.runs["a"] == 0
        clock.advance(1)
        assert (await b.end(first)).status == "completed"
        clock.advance(-HOUR)
        second = await b.start()
        clock.advance(2 * HOUR)  # Far over the mark.
        assert (await b.end(second)).status == "completed"
        clock.advance(-HOUR)
        await settled(b)
        assert b.step.runs["a"] == 2
    promises.hold_history(tmp_path / "flowrun.db")


async def test_a_schedule_repeats_no_time_when_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = ManualClock()
    document = {
        "id": "s",
        "name": "s",
        "nodes": [{"id": "in", "type": "schedule", "params": {"every": "30m"}}, {"id": "a", "type": "step"}],
        "edges": [{"source": "in", "target": "a"}],
    }
    async with bench(tmp_path, clock=clock) as b:
        await b.send(CreateTenant(id="acme"))
        await b.send(SaveWorkflow(tenant_id="acme", document=document))
        await b.save(PROBE, workflow="probe")
        clock.advance(HOUR / 2)
        await b.step.begun("a", 1)
        clock.advance(-HOUR)
        await settled(b)
        clock.advance(HOUR)
        await settled(b)
        assert b.step.runs["a"] == 1
        clock.advance(HOUR / 2)
        await b.step.begun("a", 2)
    times = [row["scheduled_at"] for row in rows(tmp_path, "SELECT * FROM schedule_fires ORDER BY scheduled_at")]
    assert len(times) == 2
    assert times[1] - times[0] == HOUR / 2 * 1000
