"""Results come three times, shuffled, one in five is dropped; one commit in ten succeeds and reports an error."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives
from faults.shapes import WEBHOOKS
from support.runtime import bench

from flowrun.persistence.writer import GroupWriter

SEED = os.environ.get("TEST_SEED", "20261122")
EACH = int(os.environ.get("TEST_DELIVERIES", "8"))
"""Executions of each shape."""
AT_ONCE = 8
"""As many of each are under way together: each waits for results that are not delivered at first."""


@pytest.mark.slow
async def test_results_and_commits_that_go_wrong_change_nothing_of_what_is_promised(tmp_path: Path) -> None:
    with Lives(tmp_path, FAULT_DELIVERIES=SEED) as lives:
        for begun in range(0, EACH, AT_ONCE):
            async with lives.clients() as clients:
                for shape in WEBHOOKS:
                    lives.post(clients, shape, min(AT_ONCE, EACH - begun))
            await lives.all_ended()
        await lives.stop()
        promises.hold(lives.database, lives.journal, in_flight=64)


async def test_commits_that_stand_and_report_an_error_take_effect_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = GroupWriter._write

    def lying(connection, group):
        write(connection, group)
        if any(unit.rows is not None for unit in group):
            raise sqlite3.OperationalError("disk I/O error")

    async with bench(tmp_path) as b:
        await b.save("t -> a -> b")
        with monkeypatch.context() as patch:
            patch.setattr(GroupWriter, "_write", staticmethod(lying))
            ending = await b.end(await b.start())
        assert ending.status == "completed"
        assert b.step.runs == {"a": 1, "b": 1}
