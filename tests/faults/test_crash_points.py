"""The process dies at every named point, in workflows of every shape; what it has promised holds all the same."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives
from faults.shapes import TURNS, steps

ROTATION = os.environ.get("TEST_ROTATION", str(datetime.now(UTC).toordinal() % TURNS))
"""Which shape each point is tried in: another each day; `all` is every one, which takes minutes: `make long`."""


@pytest.mark.slow
async def test_the_process_dies_at_every_point_and_keeps_its_promises(tmp_path: Path) -> None:
    turn = None if ROTATION == "all" else int(ROTATION)
    with Lives(tmp_path) as lives:
        await lives.die(steps(turn))
        await lives.stop()
        assert len(lives.journal.of("killed")) == len(steps(turn))
        promises.hold(lives.database, lives.journal, in_flight=64)


def test_every_point_is_tried_in_every_shape_that_has_it_once_the_rotation_is_through() -> None:
    tried = {step for turn in range(TURNS) for step in steps(turn)}
    assert tried == set(steps(None))
