"""Starting what is ready: joins, dead paths, nodes that the engine runs itself, jobs for the others."""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.definition import ERROR_PORT, MAIN_PORT, Join
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.facts import TimerKind
from flowrun.domain.failure import fail_run, retry_or_fail
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, NodeContext, NodeKind, Outcome, Respond, Waiting
from flowrun.domain.scope import scope_of, taken_edges
from flowrun.domain.states import ExecutionStatus, NodeStatus
from flowrun.domain.turn import Turn
from flowrun.errors import InvalidInputError

_MOVING = (ExecutionStatus.RUNNING, ExecutionStatus.WAITING)


def advance(turn: Turn) -> None:
    """Start everything that is ready, and what that makes ready, until nothing is."""
    execution = turn.execution
    while execution.ready and execution.status in _MOVING and execution.failure is None:
        run = execution.ready.popleft()
        if run.status is NodeStatus.PENDING:
            _start(turn, run)


def _start(turn: Turn, run: NodeRun) -> None:
    node = run.node
    if not _join_runs(run):
        reason, origin = _why_skipped(turn.execution, run)
        turn.emit(e.NodeSkipped(node.id, run.iteration, reason, origin))
    elif node.type.kind is NodeKind.TRIGGER:
        _start_trigger(turn, run)
    elif node.disabled:
        conclude(turn, run, Completed(turn.execution.input_of(run)))
    else:
        _start_node(turn, run)


def _join_runs(run: NodeRun) -> bool:
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
    try:
        params = resolve_params(turn.execution, run, turn.now)
    except (ExpressionError, InvalidInputError) as error:
        fail_run(turn, run, _bad_params(error))
        return
    if run.node.type.kind is NodeKind.WORKER:
        queue(turn, run, params)
        return
    context = NodeContext(
        params, turn.execution.input_of(run), tuple(p.node.id for p in turn.execution.parents(run)), turn.now
    )
    outcome = run.node.type.run_in_engine(context)
    if isinstance(outcome, Failed):
        fail_run(turn, run, outcome)  # Pure: the same input would fail in the same way again.
    else:
        conclude(turn, run, outcome)


def _bad_params(error: ExpressionError | InvalidInputError) -> Failed:
    details: JsonValue = None
    if isinstance(error, InvalidInputError) and error.issues:
        details = [{"path": issue.path, "message": issue.message} for issue in error.issues]
    kind = "expression_error" if isinstance(error, ExpressionError) else "invalid_params"
    return Failed(kind, str(error), details=details)


def queue(turn: Turn, run: NodeRun, params: JsonObject | None = None, *, careful: bool = False) -> None:
    """Hand the next attempt to the workers; without `params` they are resolved again, to the same values."""
    if params is None:
        try:
            params = resolve_params(turn.execution, run, run.queued_at or turn.now)
        except (ExpressionError, InvalidInputError) as error:
            fail_run(turn, run, _bad_params(error))
            return
    turn.emit(e.NodeQueued(run.node.id, run.iteration, run.attempt + 1, run.dispatch + 1))
    turn.hand_out(run, params, careful=careful or not run.node.retry_on_interrupt)


def conclude(turn: Turn, run: NodeRun, outcome: Outcome, started_at: int | None = None) -> None:
    """Act on what a node answered."""
    if isinstance(outcome, Failed):
        retry_or_fail(turn, run, outcome, started_at)
    elif isinstance(outcome, Waiting):
        turn.emit(e.NodeWaiting(run.node.id, run.iteration, outcome.until, outcome.output))
        turn.set_timer(TimerKind.DELAY, outcome.until, run)
    else:
        complete(turn, run, outcome, started_at)


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


def resolve_params(execution: Execution, run: NodeRun, now: int) -> JsonObject:
    """The node's params with expressions evaluated, checked against the type's schema.

    Raises `ExpressionError`, or `InvalidInputError` when a value doesn't fit.
    """
    node = run.node
    if node.constant is not None:
        return node.constant
    scope = scope_of(execution, run, node.params)
    if "input" in node.params.names:
        scope["input"] = execution.input_of(run)
    values = node.params.evaluate(scope, now=now)
    return node.type.check({**values, **node.deferred} if isinstance(values, dict) else node.deferred)
