"""Acting on what a node answered."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.calls import call
from flowrun.domain.completion import complete
from flowrun.domain.emission import MAX_CHAIN, chain_depth, event_of
from flowrun.domain.execution import NodeRun
from flowrun.domain.facts import TimerKind
from flowrun.domain.failure import fail_run, retry_or_fail
from flowrun.domain.node_type import Awaiting, Called, Completed, Emitted, Failed, Outcome, Waiting
from flowrun.domain.signals import await_signal
from flowrun.domain.states import NodeStatus
from flowrun.domain.turn import Turn


def conclude(turn: Turn, run: NodeRun, outcome: Outcome, started_at: int | None = None) -> None:
    """Act on what a node answered."""
    if isinstance(outcome, Failed):
        retry_or_fail(turn, run, outcome, started_at)
    elif isinstance(outcome, Waiting):
        turn.emit(e.NodeWaiting(run.node.id, run.iteration, outcome.until, outcome.output))
        turn.set_timer(TimerKind.DELAY, outcome.until, run)
    elif isinstance(outcome, Awaiting):
        await_signal(turn, run, outcome)
    elif isinstance(outcome, Called):
        call(turn, run, outcome)
    elif isinstance(outcome, Emitted):
        _emit(turn, run, outcome, started_at)
    else:
        complete(turn, run, outcome, started_at)


def _emit(turn: Turn, run: NodeRun, outcome: Emitted, started_at: int | None) -> None:
    """Complete the run with the event as its output; a timer of the same commit sees to its delivery."""
    if chain_depth(turn.execution.trigger) >= MAX_CHAIN:
        message = f"{MAX_CHAIN} workflows have started one another by events already: this looks like a loop"
        fail_run(turn, run, Failed("event_chain_too_long", message, source="engine"), started_at)
        return
    complete(turn, run, Completed(event_of(turn.execution, run, outcome, turn.now)), started_at)
    if run.status is NodeStatus.COMPLETED:
        turn.set_timer(TimerKind.EVENT, turn.now, run)
