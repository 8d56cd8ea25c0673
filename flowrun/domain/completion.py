"""Completing a node run."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.definition import ERROR_PORT, MAIN_PORT
from flowrun.domain.execution import NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.failure import fail_run
from flowrun.domain.node_type import APPROVED_PORT, DONE_PORT, EACH_PORT, Completed, Failed, Respond
from flowrun.domain.scope import taken_edges
from flowrun.domain.turn import Turn
from flowrun.errors import InvalidInputError, Issue


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


def ports_by_hand(run: NodeRun, wanted: str | None) -> tuple[str, ...]:
    """The ports that a node which an operator completes leaves by: the one that he wants, else that of a success.

    Raises `InvalidInputError` for a port that the node doesn't have, and when only he can tell which one it is.
    """
    others = sorted({edge.port for edge in run.node.out} - {MAIN_PORT, ERROR_PORT, EACH_PORT})
    if wanted is None and (run.loop is not None or not others or MAIN_PORT in {edge.port for edge in run.node.out}):
        return (DONE_PORT, MAIN_PORT) if run.loop is not None else (MAIN_PORT,)
    known = [MAIN_PORT, *others]
    if wanted not in known:
        what = "is not one that the node leaves by" if wanted else f"is needed: {run.node.id} leaves by several"
        raise InvalidInputError("The node is not skipped", [Issue("port", f"{what}; there are {', '.join(known)}")])
    # As after an answer: what follows in any case follows an approval too, and the end of a loop.
    return (wanted, MAIN_PORT) if wanted in {APPROVED_PORT, DONE_PORT} else (wanted,)
