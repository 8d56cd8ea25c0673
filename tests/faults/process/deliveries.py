"""Results that come late, several times, out of order or not at once; commits that succeed and report an error."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import suppress

from flowrun.bootstrap.reports import Reports
from flowrun.errors import UnavailableError
from flowrun.persistence.writer import GroupWriter

COPIES = 3
LATEST_SECONDS = 0.3
DROPPED = 0.2
LIES = 0.1


def install(seed: str) -> None:
    """Let results and commits go wrong, the same way for the same seed as far as the moments allow."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    _results(dice)
    _commits(random.Random(f"{seed} commits"))  # noqa: S311 - no secret


def _results(dice: random.Random) -> None:
    """One delivery in five doesn't arrive; one that does arrives three times, the copies shuffled by delays."""
    record = Reports.record_result
    copies: set[asyncio.Task[None]] = set()

    async def copy(self, job, outcome, started_at):
        await asyncio.sleep(dice.uniform(0, LATEST_SECONDS))
        with suppress(UnavailableError):  # The one that counts is repeated by whoever sent it.
            await record(self, job, outcome, started_at)

    async def recorded(self, job, outcome, started_at):
        if dice.random() < DROPPED:
            raise UnavailableError("the delivery was dropped")
        for _ in range(COPIES - 1):
            task = asyncio.create_task(copy(self, job, outcome, started_at))
            copies.add(task)
            task.add_done_callback(copies.discard)
        await asyncio.sleep(dice.uniform(0, LATEST_SECONDS / 10))
        await record(self, job, outcome, started_at)

    Reports.record_result = recorded


def _commits(dice: random.Random) -> None:
    write = GroupWriter._write

    def written(connection, group):
        write(connection, group)
        # Only of executions: what a person does is answered by an error, and the person looks.
        if any(unit.rows is not None for unit in group) and dice.random() < LIES:
            raise sqlite3.OperationalError("disk I/O error, and yet it is committed")

    GroupWriter._write = staticmethod(written)
