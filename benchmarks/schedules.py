"""How late schedules start: the time from a due moment to the first worker node's start, for 1,000 schedules.

Spread over one second they show the ticker; all due at the same instant, how fast a burst is worked off.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from benchmarks.engine import Step
from flowrun.bootstrap import Runtime, running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.persistence import tables as t

_AHEAD_MS = 3_000
"""How far ahead the due moments are set, so that the ticker holds them in memory as it would in daily use."""


async def make(one: Runtime, schedules: int) -> None:
    """A workflow for each schedule: a trigger, and one node that a worker runs."""
    await one.mediator.send(CreateTenant(id="bench"), OPERATOR)
    nodes = [{"id": "tick", "type": "schedule", "params": {"every": "1h"}}, {"id": "work", "type": "step"}]
    document: Any = {"nodes": nodes, "edges": [{"source": "tick", "target": "work"}]}
    saves = [
        SaveWorkflow(tenant_id="bench", workflow_id=f"w{number}", document=document) for number in range(schedules)
    ]
    await asyncio.gather(*(one.mediator.send(save, OPERATOR) for save in saves))


async def lateness(one: Runtime, spread_ms: int) -> list[float]:
    """Let every schedule come due once within `spread_ms`; ms from due to the first worker node's start."""
    table, fires, runs = t.schedules, t.schedule_fires, t.node_executions
    ids = [row["id"] for row in await one.context.reader.all(select(table.c.id))]
    begin = one.context.clock.now() + _AHEAD_MS

    def plan(connection: Any) -> None:
        for place, schedule_id in enumerate(ids):
            # The whole seconds that these schedules have by themselves differ, as their starts do.
            due = begin + place * spread_ms // len(ids)
            connection.execute(update(table).where(table.c.id == schedule_id).values(next_at=due))

    await one.context.writer.transact(plan)
    one.context.schedules.changed()
    query = (
        select(runs.c.started_at, fires.c.scheduled_at)
        .join(fires, fires.c.execution_id == runs.c.execution_id)
        .where(runs.c.node_id == "work", runs.c.started_at.is_not(None), fires.c.scheduled_at >= begin)
    )
    await asyncio.sleep((_AHEAD_MS + spread_ms) / 1000)
    for _ in range(100):
        rows = await one.context.reader.all(query)
        if len(rows) == len(ids):
            return sorted(float(row["started_at"] - row["scheduled_at"]) for row in rows)
        await asyncio.sleep(0.1)
    raise SystemExit(f"only {len(rows)} of {len(ids)} schedules have started")


async def measure(schedules: int) -> dict[str, float]:
    """All figures of the schedules."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as folder:
        async with running(Settings(data_dir=Path(folder)), node_types=[Step()]) as one:
            await make(one, schedules)
            spread = await lateness(one, 1_000)
            burst = await lateness(one, 0)
    return {
        "schedule_start_p50_ms": statistics.median(spread),
        "schedule_start_p99_ms": spread[int(len(spread) * 0.99)],
        "schedule_burst_p50_ms": statistics.median(burst),
        "schedule_burst_p99_ms": burst[int(len(burst) * 0.99)],
    }
