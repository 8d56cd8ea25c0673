"""The power fails: what was not synced to the disk is gone. Everything that was acknowledged is there all the same.

A library that is preloaded into the process keeps what each sync has brought to the disk; at the cut that is all.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CUTS = 3
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler"),
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what syncs is known on Linux alone"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert COMPILER is not None
    made = tmp_path_factory.mktemp("power") / "power.so"
    source = Path(__file__).with_name("power.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def cut(lives: Lives) -> None:
    """Kill the process, and let the disk hold what was synced and no more."""
    lives.service.kill()
    lives.journal.note("killed")
    for suffix in ("", "-wal"):
        file = lives.database.with_name(f"{lives.database.name}{suffix}")
        synced = file.with_name(f"{file.name}.synced")
        file.unlink(missing_ok=True)
        if synced.exists():
            shutil.copy(synced, file)
    lives.database.with_name(f"{lives.database.name}-shm").unlink(missing_ok=True)


async def test_what_was_acknowledged_outlives_a_power_cut(tmp_path: Path, library: Path) -> None:
    with Lives(tmp_path, LD_PRELOAD=str(library)) as lives:
        for _ in range(CUTS):
            async with lives.clients() as clients:
                for shape in ("chain", "fan-in", "loop"):
                    lives.post(clients, shape, 5)
            cut(lives)
            lives.service.start()
        await lives.stop()
        promises.hold(lives.database, lives.journal, in_flight=64)


async def test_without_full_synchronisation_a_power_cut_is_noticed(tmp_path: Path, library: Path) -> None:
    with Lives(tmp_path, LD_PRELOAD=str(library), FAULT_MUTANT="normal_synchronous") as lives:
        async with lives.clients() as clients:
            lives.post(clients, "chain", 5)
        cut(lives)
        lives.service.start()
        await lives.all_ended()
        with pytest.raises(AssertionError, match="accepted is not what there is"):
            promises.each_acceptance_has_one_execution_that_ended_well(lives.database, lives.journal)
