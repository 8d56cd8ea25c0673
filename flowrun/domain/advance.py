"""Starting what is ready: joins, dead paths, nodes that the engine runs itself, jobs for the others."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain import loops
from flowrun.domain.definition import ERROR_PORT, Join
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.expression import METER, ExpressionError
from flowrun.domain.facts import TimerKind
from flowrun.domain.failure import fail_run
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed, NodeContext, NodeKind
from flowrun.domain.outcome import conclude
from flowrun.domain.params import bad_params, resolve_params
from flowrun.domain.states import ExecutionStatus, NodeStatus
from flowrun.domain.turn import Turn
from flowrun.errors import InvalidInputError

_MOVING = (ExecutionStatus.RUNNING, ExecutionStatus.WAITING)
_MOST_EVENTS = 2_000
"""A turn that has grown so long goes on in another, so that a long loop doesn't hold up everybody else."""
_MOST_UNITS = 50_000
"""The same of what its expressions have cost: 10 ms at most (`expression.budget`), beside that of the last one."""


def advance(turn: Turn) -> None:
    """Start everything that is ready, and what that makes ready, until nothing is."""
    execution = turn.execution
    enough = METER.units + _MOST_UNITS
    while execution.status in _MOVING and execution.failure is None:
        if execution.unsettled and (len(turn.decision.events) >= _MOST_EVENTS or METER.units >= enough):
            turn.set_timer(TimerKind.CONTINUE, turn.now)
            return
        if execution.failed_scopes or execution.ended_scopes:
            loops.settle_scope(turn)
        elif execution.ready:
            run = execution.ready.popleft()
            if run.status is NodeStatus.PENDING and execution.runs.get(run.key) is run:
                _start(turn, run)
        else:
            return


def _start(turn: Turn, run: NodeRun) -> None:
    node = run.node
    if not join_runs(run):
        reason, origin = _why_skipped(turn.execution, run)
        turn.emit(e.NodeSkipped(node.id, run.iteration, reason, origin))
    elif node.type.kind is NodeKind.TRIGGER:
        _start_trigger(turn, run)
    elif node.disabled:
        conclude(turn, run, node.type.pass_on(turn.execution.input_of(run), len(run.taken)))
    else:
        _start_node(turn, run)


def join_runs(run: NodeRun) -> bool:
    """Whether a run whose join is decided runs; else it is skipped."""
    if not run.node.ins:
        return True
    if run.node.join is Join.ALL_REQUIRED:
        return len(run.taken) == len(run.node.ins)
    return bool(run.taken)


def _why_skipped(execution: Execution, run: NodeRun) -> tuple[str, str]:
    """The reason, and the node where the skipping began: the first dead edge's, in edge order."""
    taken = set(run.taken)
    for edge in run.node.ins:
        source = execution.runs.get((edge.source.id, run.iteration))
        if edge.index in taken or source is None or source.finished_at is None:
            continue
        if source.skip_origin is not None:
            return f"the path from {source.skip_origin} is dead", source.skip_origin
        if source.status is NodeStatus.COMPLETED and edge.port == ERROR_PORT:
            return f"{source.node.id} did not fail", source.node.id
        if source.handling is not None:
            return f"{source.node.id} failed", source.node.id
        return f"{source.node.id} did not take the edge {edge.id}", source.node.id
    return "no incoming edge was taken", run.node.id


def _start_trigger(turn: Turn, run: NodeRun) -> None:
    if run.node.id == turn.execution.trigger_node:
        conclude(turn, run, Completed(turn.execution.input))
    else:
        turn.emit(e.NodeSkipped(run.node.id, run.iteration, "another trigger started the execution", run.node.id))


def _start_node(turn: Turn, run: NodeRun) -> None:
    if run.node.type.kind is NodeKind.LOOP:
        loops.begin(turn, run)
        return
    try:
        params = resolve_params(turn, run, turn.now)
    except (ExpressionError, InvalidInputError) as error:
        fail_run(turn, run, bad_params(error))
        return
    if run.node.type.kind is NodeKind.WORKER:
        queue(turn, run, params)
        return
    context = NodeContext(params, turn.execution.input_of(run), tuple(turn.execution.sources(run)), turn.now)
    outcome = run.node.type.run_in_engine(context)
    if isinstance(outcome, Failed):
        fail_run(turn, run, outcome)  # Pure: the same input would fail in the same way again.
    else:
        conclude(turn, run, outcome)


def queue(turn: Turn, run: NodeRun, params: JsonObject | None = None, *, careful: bool = False) -> None:
    """Hand the next attempt to the workers; without `params` they are resolved again, to the same values."""
    if params is None:
        try:
            params = resolve_params(turn, run, run.queued_at or turn.now)
        except (ExpressionError, InvalidInputError) as error:
            fail_run(turn, run, bad_params(error))
            return
    turn.emit(e.NodeQueued(run.node.id, run.iteration, run.attempt + 1, run.dispatch + 1))
    turn.hand_out(run, params, careful=careful or not run.node.retry_on_interrupt)
