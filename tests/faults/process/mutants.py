"""The promises broken one by one, to show that the tests notice."""

from __future__ import annotations

import asyncio

from flowrun.coordinator.engine import ExecutionEngine
from flowrun.domain import decide
from flowrun.domain.states import ACTIVE_NODE
from flowrun.persistence import database


def install(name: str) -> None:
    """Break one promise."""
    MUTANTS[name]()


def _no_token_check() -> None:
    """A result counts whichever attempt it is of."""
    current = decide._current

    def any_attempt(turn, key, dispatch):
        run = turn.execution.runs.get(key)
        if run is not None and run.status in ACTIVE_NODE and not turn.execution.final:
            return run
        return current(turn, key, dispatch)

    decide._current = any_attempt


def _answer_before_commit() -> None:
    """Whoever starts an execution is answered while it is being committed."""
    start = ExecutionEngine.start

    async def early(self, graph, tenant_id, fact, *, execution_id=None, **more):
        task = asyncio.ensure_future(start(self, graph, tenant_id, fact, execution_id=execution_id, **more))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([task], timeout=0)
        return execution_id or await task

    ExecutionEngine.start = early


def _dispatch_before_commit() -> None:
    """What follows from a decision takes effect while it is being committed."""
    decide_turn, after_commit = ExecutionEngine._decide, ExecutionEngine._after_commit

    def eager(self, slot, letters, also=None, more=None):
        submit = self._writer.submit

        def submitted(unit):
            names = dict(zip(unit.done.__code__.co_freevars, unit.done.__closure__, strict=True))
            self._act(slot.execution, names["decision"].cell_contents)
            submit(unit)

        self._writer.submit = submitted
        try:
            decide_turn(self, slot, letters, also, more)
        finally:
            del self._writer.submit

    def only_once(self, slot, execution, decision, letters):
        act, self._act = self._act, lambda *_: None
        try:
            after_commit(self, slot, execution, decision, letters)
        finally:
            self._act = act

    ExecutionEngine._decide, ExecutionEngine._after_commit = eager, only_once


def _normal_synchronous() -> None:
    """A commit is not synced to the disk."""
    database._check_durable = lambda connection: connection.execute("PRAGMA synchronous=NORMAL")


MUTANTS = {
    "normal_synchronous": _normal_synchronous,
    "no_token_check": _no_token_check,
    "answer_before_commit": _answer_before_commit,
    "dispatch_before_commit": _dispatch_before_commit,
}
