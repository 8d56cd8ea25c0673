"""The promises broken one by one, to show that the simulation notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowrun.bootstrap.reports import Reports
from flowrun.commands import start_execution, steer_called
from flowrun.coordinator.effects import Effects
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.coordinator.recovery import Recovery
from flowrun.coordinator.timers import Timers
from flowrun.domain import decide
from flowrun.domain.states import ACTIVE_NODE
from flowrun.errors import FlowrunError

Mutant = Callable[[pytest.MonkeyPatch], None]


def no_token_check(patch: pytest.MonkeyPatch) -> None:
    """A result counts whichever attempt it is of."""

    def any_attempt(turn: Any, key: Any, _dispatch: int) -> Any:
        run = turn.execution.runs.get(key)
        found = run is not None and run.status in ACTIVE_NODE and not turn.execution.final
        turn.decision.discarded = not found
        return run if found else None

    patch.setattr(decide, "_current", any_attempt)


def result_counts_twice(patch: pytest.MonkeyPatch) -> None:
    """A result counts even when the node has ended."""
    patch.setattr(decide, "_current", lambda turn, key, _dispatch: turn.execution.runs.get(key))


def dispatch_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Jobs are handed out while their decision is being committed."""
    decide_turn = decide.decide

    def eager(execution: Any, facts: Any, now: int, jitter: Any) -> Any:
        decision = decide_turn(execution, facts, now, jitter)
        _EFFECTS[-1]._dispatcher.add(list(decision.jobs))
        return decision

    made = Effects.__init__

    def noted(self: Effects, *arguments: Any) -> None:
        made(self, *arguments)
        _EFFECTS.append(self)

    patch.setattr(Effects, "__init__", noted)
    patch.setattr("flowrun.coordinator.engine.decide", eager)


_EFFECTS: list[Effects] = []


def answer_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Whoever starts an execution is answered while it is being committed."""
    import asyncio  # noqa: PLC0415 - of this mutant alone

    original = ExecutionEngine.start

    async def early(self: ExecutionEngine, graph: Any, tenant_id: str, fact: Any, **more: Any) -> str:
        task = asyncio.ensure_future(original(self, graph, tenant_id, fact, **more))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(0)
        return more.get("execution_id") or await task

    patch.setattr(ExecutionEngine, "start", early)


def timers_too_early(patch: pytest.MonkeyPatch) -> None:
    """A retry is taken for due half a second before it is."""
    add = Timers._add
    patch.setattr(Timers, "_add", lambda self, timer, due_at: add(self, timer, due_at - 500))
    node_timer = decide._node_timer_fired

    def hasty(turn: Any, kind: Any, key: Any) -> None:
        turn.now += 500
        node_timer(turn, kind, key)
        turn.now -= 500

    patch.setattr(decide, "_node_timer_fired", hasty)


def lost_timers(patch: pytest.MonkeyPatch) -> None:
    """A timer whose effect could not be committed isn't fired again."""
    original = Reports.fire

    async def once(self: Reports, timer: Any) -> None:
        try:
            await original(self, timer)
        except FlowrunError:
            return

    patch.setattr(Reports, "fire", once)


def jobs_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A start doesn't look at what an earlier process left."""

    async def nothing(self: Recovery) -> None:
        self._effects.ended = None

    patch.setattr(Recovery, "run", nothing)


def lost_attempts_run_on(patch: pytest.MonkeyPatch) -> None:
    """A start hands attempts that had begun out again, as if they had not."""
    page = Recovery._page

    async def unbegun(self: Recovery, after: Any) -> Any:
        return [(job, False) for job, _ in await page(self, after)]

    patch.setattr(Recovery, "_page", unbegun)


def keys_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The answer to a start isn't kept with its execution."""
    patch.setattr(start_execution, "remember", lambda *_: None)


def state_kept_after_failure(patch: pytest.MonkeyPatch) -> None:
    """A decision that could not be committed is carried on from."""
    forget = ExecutionEngine._forget_state

    def kept(self: ExecutionEngine, slot: Any, letters: Any, error: BaseException) -> None:
        execution = slot.execution
        forget(self, slot, letters, error)
        slot.execution = execution

    patch.setattr(ExecutionEngine, "_forget_state", kept)


def called_run_on(patch: pytest.MonkeyPatch) -> None:
    """What a cancelled node has called isn't cancelled with it."""

    async def nothing(*_: Any) -> None:
        return

    patch.setattr(steer_called, "_stop", nothing)


MUTANTS: list[Mutant] = [
    no_token_check,
    result_counts_twice,
    dispatch_before_commit,
    answer_before_commit,
    timers_too_early,
    lost_timers,
    jobs_forgotten,
    lost_attempts_run_on,
    keys_forgotten,
    state_kept_after_failure,
    called_run_on,
]
AT_A_FULL_DISK = (lost_timers, state_kept_after_failure)
"""Those that only a commit that fails can show: the other seeds would take long, and show nothing."""
FIRST_SEEDS = {lost_timers: 52, keys_forgotten: 27, state_kept_after_failure: 205}
"""Where to begin with those that few seeds show; which these are changes when the simulation learns something."""
