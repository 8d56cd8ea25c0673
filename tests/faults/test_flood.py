"""Many times the load that a service lets in, for a while."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives

RATE = 25
"""Webhooks a second that are let in."""
FLOOD = int(os.environ.get("TEST_FLOOD", "250"))
"""Webhooks that are sent, as quickly as they can be: the slowest machine sends many times as many a second."""
MEBIBYTES = 64
"""By how much the process may grow."""


def memory(process: int) -> float:
    """Resident memory in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.slow
async def test_a_flood_is_refused_and_what_was_accepted_ends(tmp_path: Path) -> None:
    with Lives(tmp_path, settings={"webhook_rate": str(RATE)}) as lives:
        await lives.work("chain", 5)
        process = lives.service.process
        assert process is not None
        before = memory(process.pid)
        lives.patient = False
        async with lives.clients() as clients:
            lives.post(clients, "chain", FLOOD)
        grown = memory(process.pid) - before
        await lives.all_ended()
        await lives.stop()
        assert lives.refused[429] > RATE < len(lives.journal.of("accepted"))
        assert grown < MEBIBYTES
        promises.hold(lives.database, lives.journal, in_flight=64)
