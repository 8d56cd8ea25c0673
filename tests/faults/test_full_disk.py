"""The disk is full for a while: the service refuses what it cannot keep, holds on to results, and then goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives


@pytest.mark.slow
async def test_a_full_disk_costs_nothing_that_was_accepted(tmp_path: Path) -> None:
    full = tmp_path / "full"
    with Lives(tmp_path, FAULT_DISK=str(full)) as lives:
        lives.neighbour.hold("/chain/two")
        async with lives.clients() as clients:
            lives.post(clients, "chain", 10)
            await lives.until(lambda: len(lives.neighbour.called("/chain/two")) >= 10)
            full.touch()
            lives.post(clients, "fan-in", 50)
            await lives.until(lambda: lives.refused[503] >= 20)
            lives.neighbour.release("/chain/two")  # Ten results that cannot be stored now.
            seen = lives.refused[503]
            await lives.until(lambda: lives.refused[503] >= seen + 20)
            before = len(lives.journal.of("accepted"))
            full.unlink()
        assert set(lives.refused) == {503}
        assert len(lives.journal.of("accepted")) == 60 > before
        await lives.stop()
        promises.hold(lives.database, lives.journal, in_flight=64)
    assert len(lives.neighbour.called("/chain/two")) == 10, "a result that could not be stored was held, not made anew"
