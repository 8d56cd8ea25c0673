"""Completing a node run."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.execution import NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.failure import fail_run
from flowrun.domain.node_type import Completed, Failed, Respond
from flowrun.domain.scope import taken_edges
from flowrun.domain.turn import Turn


def complete(
    turn: Turn,
    run: NodeRun,
    outcome: Completed | Respond,
    started_at: int | None = None,
    by: str | None = None,
    signal: int | None = None,
) -> None:
    """Complete the run and resolve its edges; a condition that cannot be evaluated fails the node instead.

    `by` is who skipped it, `signal` the number of the event that ended its wait.
    """
    ports = outcome.ports if isinstance(outcome, Completed) else (MAIN_PORT,)
    if run.node.plain and ports == (MAIN_PORT,):
        taken = None
    else:
        try:
            taken = taken_edges(turn.execution, run, ports, outcome.output, turn.now)
        except ExpressionError as error:
            fail_run(turn, run, Failed("expression_error", str(error)), started_at)
            return
    event = e.NodeCompleted(run.node.id, run.iteration, outcome.output, taken, started_at, by=by, signal=signal)
    if isinstance(outcome, Respond):
        event.responds = True
        turn.decision.responded = turn.decision.responded or turn.execution.response is None
    turn.emit(event)
