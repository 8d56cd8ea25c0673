"""Acting on what a node answered."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.emission import MAX_CHAIN, chain_depth, event_of
from flowrun.domain.execution import NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.facts import TimerKind
from flowrun.domain.failure import fail_run, retry_or_fail
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Called, Completed, Emitted, Failed, Outcome, Respond, Waiting
from flowrun.domain.scope import taken_edges
from flowrun.domain.states import NodeStatus
from flowrun.domain.turn import Turn


def conclude(turn: Turn, run: NodeRun, outcome: Outcome, started_at: int | None = None) -> None:
    """Act on what a node answered."""
    if isinstance(outcome, Failed):
        retry_or_fail(turn, run, outcome, started_at)
    elif isinstance(outcome, Waiting):
        turn.emit(e.NodeWaiting(run.node.id, run.iteration, outcome.until, outcome.output))
        turn.set_timer(TimerKind.DELAY, outcome.until, run)
    elif isinstance(outcome, Called):
        _call(turn, run, outcome)
    elif isinstance(outcome, Emitted):
        _emit(turn, run, outcome, started_at)
    else:
        complete(turn, run, outcome, started_at)


def _call(turn: Turn, run: NodeRun, outcome: Called) -> None:
    """Let the run wait for a workflow that a timer of the same commit sees started."""
    if chain_depth(turn.execution.trigger) >= MAX_CHAIN:
        message = f"{MAX_CHAIN} workflows have started one another already: this looks like a loop"
        fail_run(turn, run, Failed("workflow_chain_too_long", message, source="engine"))
        return
    asked: JsonObject = {"workflow_id": outcome.workflow_id, "input": outcome.input, "wait": outcome.wait}
    turn.emit(e.NodeWaiting(run.node.id, run.iteration, turn.now, asked))
    turn.set_timer(TimerKind.CALL, turn.now, run)


def _emit(turn: Turn, run: NodeRun, outcome: Emitted, started_at: int | None) -> None:
    """Complete the run with the event as its output; a timer of the same commit sees to its delivery."""
    if chain_depth(turn.execution.trigger) >= MAX_CHAIN:
        message = f"{MAX_CHAIN} workflows have started one another by events already: this looks like a loop"
        fail_run(turn, run, Failed("event_chain_too_long", message, source="engine"), started_at)
        return
    complete(turn, run, Completed(event_of(turn.execution, run, outcome, turn.now)), started_at)
    if run.status is NodeStatus.COMPLETED:
        turn.set_timer(TimerKind.EVENT, turn.now, run)


def complete(
    turn: Turn,
    run: NodeRun,
    outcome: Completed | Respond,
    started_at: int | None = None,
    by: str | None = None,
) -> None:
    """Complete the run and resolve its edges; a condition that cannot be evaluated fails the node instead."""
    ports = outcome.ports if isinstance(outcome, Completed) else (MAIN_PORT,)
    if run.node.plain and ports == (MAIN_PORT,):
        taken = None
    else:
        try:
            taken = taken_edges(turn.execution, run, ports, outcome.output, turn.now)
        except ExpressionError as error:
            fail_run(turn, run, Failed("expression_error", str(error)), started_at)
            return
    event = e.NodeCompleted(run.node.id, run.iteration, outcome.output, taken, started_at, by=by)
    if isinstance(outcome, Respond):
        event.responds = True
        turn.decision.responded = turn.decision.responded or turn.execution.response is None
    turn.emit(event)
