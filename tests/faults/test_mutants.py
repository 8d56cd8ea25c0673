"""Each promise broken on purpose, one by one: the tests of this directory notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import promises
from faults.lives import Lives
from faults.shapes import Step

BROKEN = {
    "answer_before_commit": (Step("commit.Start", "chain"), "accepted is not what there is"),
    "dispatch_before_commit": (Step("commit.AttemptEnded", "chain"), "before it was committed"),
}
"""Where the process dies, and what is noticed."""
MANY = 120
"""Executions of which one, at least, shows what is looked for: by chance none of 20 does, in one of four runs."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BROKEN)
async def test_a_broken_promise_is_noticed_when_the_process_dies(tmp_path: Path, mutant: str) -> None:
    step, noticed = BROKEN[mutant]
    with Lives(tmp_path, FAULT_MUTANT=mutant) as lives:
        await lives.die([step])
        await lives.stop()
        with pytest.raises(AssertionError, match=noticed):
            promises.hold(lives.database, lives.journal, in_flight=64)


@pytest.mark.slow
async def test_a_result_that_counts_whichever_attempt_it_is_of_is_noticed(tmp_path: Path) -> None:
    with Lives(tmp_path, FAULT_MUTANT="no_token_check", FAULT_DELIVERIES="1") as lives:
        await lives.work("retry", MANY)
        await lives.stop()
        with pytest.raises(AssertionError, match=r"after its result was there|has completed, and then"):
            promises.hold(lives.database, lives.journal, in_flight=64)
