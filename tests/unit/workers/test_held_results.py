"""What a worker holds while the database cannot commit is neither lost nor taken for late."""

from __future__ import annotations

import asyncio

import pytest
from support.manual_clock import ManualClock
from support.node_types import TYPES
from support.watched_attempts import WatchedAttempts

from flowrun.domain.node_type import Completed
from flowrun.domain.turn import Job
from flowrun.errors import UnavailableError

pytestmark = pytest.mark.anyio
TIMEOUT = 5.0


class FullDisk(WatchedAttempts):
    """Stores nothing until there is room."""

    def __init__(self) -> None:
        super().__init__(TYPES, ManualClock())
        self.full = True

    async def record_start(self, job, started_at):
        self._require_room()
        await super().record_start(job, started_at)

    async def record_result(self, job, outcome, started_at):
        self._require_room()
        await super().record_result(job, outcome, started_at)

    def _require_room(self):
        if self.full:
            raise UnavailableError("The disk is full")

    async def pass_time(self, seconds):
        for _ in range(seconds * 2):
            self.clock.advance(0.5)
            for _ in range(30):
                await asyncio.sleep(0)


@pytest.mark.parametrize("careful", [False, True], ids=["its result", "its start"])
async def test_attempt_that_waits_for_the_database_is_not_given_up_as_timed_out(careful):
    disk = FullDisk()
    job = Job("x", "n", "", 1, 1, 0, "acme", "w", "step", "webhook", {"value": None}, None, TIMEOUT, careful, 0)
    running, watching = asyncio.create_task(disk.attempts.run(job)), asyncio.create_task(disk.attempts.watch())
    try:
        await disk.pass_time(20)
        disk.full = False
        await disk.pass_time(10)
        await running
    finally:
        watching.cancel()
    assert [type(outcome) for outcome in disk.results] == [Completed]
