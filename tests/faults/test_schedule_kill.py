"""A real server is killed while schedules fire: no time fires twice, and with `misfire: all` none is lost."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.invariants import check_database
from support.service import Service

KILLS = int(os.environ.get("TEST_SCHEDULE_KILLS", "6"))
SEED = int(os.environ.get("TEST_SEED", "20261122"))
SCHEDULES = 8
WORKFLOW = """
id: ticking
nodes:
{triggers}
  - {{id: note, type: transform, params: {{value: "{{{{ trigger.scheduled_at }}}}"}}}}
edges:
{edges}
"""


def workflow() -> str:
    """Half of the schedules go by interval, half by cron."""
    params = ["every: 1s, misfire: all, overlap: allow", "cron: '* * * * * *', misfire: all, overlap: allow"]
    ids = range(SCHEDULES)
    triggers = "\n".join(f"  - {{id: t{n}, type: schedule, params: {{{params[n % 2]}}}}}" for n in ids)
    return WORKFLOW.format(triggers=triggers, edges="\n".join(f"  - {{source: t{n}, target: note}}" for n in ids))


@pytest.mark.slow
def test_killed_while_schedules_fire_it_repeats_and_loses_no_time(tmp_path: Path) -> None:
    dice = random.Random(SEED)  # noqa: S311 - no secret
    service = Service(tmp_path / "data", log_level="warning")
    service.start()
    file = tmp_path / "ticking.yaml"
    file.write_text(workflow())
    service.flowrun("apply", str(file))
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.2, 1.5))
        service.kill()
        time.sleep(dice.uniform(0.0, 1.0))
        service.start()
    time.sleep(1.5)
    service.flowrun("workflows", "archive", "ticking")
    time.sleep(0.5)
    assert service.stop() == 0
    check_database(service.data_dir / "flowrun.db")
    with closing(sqlite3.connect(service.data_dir / "flowrun.db")) as db:
        schedules = db.execute("SELECT id, created_at, last_at FROM schedules").fetchall()
        for schedule_id, created_at, last_at in schedules:
            rows = db.execute(
                "SELECT scheduled_at, decision, execution_id FROM schedule_fires WHERE schedule_id = ?"
                " ORDER BY scheduled_at",
                (schedule_id,),
            ).fetchall()
            times = [at for at, _, _ in rows]
            assert {decision for _, decision, _ in rows} == {"fired"}
            assert times == list(range(times[0], last_at + 1, 1000)), "each second once, and none left out"
            assert 0 < times[0] - created_at <= 1000
            assert len({execution for _, _, execution in rows}) == len(rows)
        assert len(schedules) == SCHEDULES
        started = db.execute("SELECT id, status FROM executions WHERE trigger_type = 'schedule'").fetchall()
        fired = db.execute("SELECT count(*) FROM schedule_fires").fetchone()[0]
    assert len(started) == fired > SCHEDULES * KILLS
    assert {status for _, status in started} == {"completed"}
