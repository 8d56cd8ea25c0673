"""Loops: `for_each` over items, `loop` while a condition holds; each iteration is a scope of its own.

The body of a loop is what its `each` port leads to. An iteration starts by taking the `each` edges in a new scope,
and ends when every node of the body has ended there; then its runs leave the memory, and only its output stays.
"""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain.completion import complete
from flowrun.domain.execution import NodeRun, Scope
from flowrun.domain.expression import ExpressionError
from flowrun.domain.failure import fail_run, stop_run
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import EACH_PORT, Completed, Failed, LoopPlan, Respond
from flowrun.domain.params import bad_params, resolve_params
from flowrun.domain.scope import taken_edges
from flowrun.domain.states import NodeStatus
from flowrun.domain.turn import Turn
from flowrun.errors import InvalidInputError


def begin(turn: Turn, run: NodeRun) -> None:
    """Start a loop whose node has become ready."""
    try:
        plan = _looked_up(turn, run, 0, turn.execution.input_of(run))
    except (ExpressionError, InvalidInputError) as error:
        fail_run(turn, run, bad_params(error))
        return
    total = None if plan.items is None else len(plan.items)
    turn.emit(e.LoopStarted(run.node.id, run.iteration, total))
    assert run.loop is not None  # noqa: S101 - made by the event
    run.loop.plan = plan
    pump(turn, run)


def pump(turn: Turn, run: NodeRun) -> None:
    """Start as many iterations as may run now; end the loop when there is nothing left to do."""
    loop = run.loop
    while run.status is NodeStatus.RUNNING and loop is not None:
        try:
            plan = _plan(turn, run)
            if _goes_on(plan, loop.started, loop.running):
                _start_iteration(turn, run, plan)
                continue
        except (ExpressionError, InvalidInputError) as error:
            stop_iterations(turn, run, "the loop failed")
            fail_run(turn, run, bad_params(error))
            return
        if loop.running == 0:
            _finish(turn, run, plan)
        return


def _plan(turn: Turn, run: NodeRun) -> LoopPlan:
    """The items are known once and for all; a condition is looked at again before each iteration."""
    loop = run.loop
    assert loop is not None  # noqa: S101 - a loop that runs has its state
    again = run.node.type.repeats and loop.running == 0 and loop.started > 0
    if loop.plan is None or again:
        loop.plan = _looked_up(turn, run, loop.started, loop.last)
    return loop.plan


def _looked_up(turn: Turn, run: NodeRun, index: int, latest: JsonValue) -> LoopPlan:
    extra: JsonObject | None = {"index": index, "input": latest} if run.node.type.repeats else None
    return run.node.type.plan(resolve_params(turn, run, run.started_at or turn.now, extra))


def _goes_on(plan: LoopPlan, started: int, running: int) -> bool:
    if plan.items is None:
        return running == 0 and plan.goes_on and started < plan.most
    return started < len(plan.items) and running < plan.concurrency


def _start_iteration(turn: Turn, run: NodeRun, plan: LoopPlan) -> None:
    loop = run.loop
    assert loop is not None  # noqa: S101 - a loop that runs has its state
    index = loop.started
    item = plan.items[index] if plan.items is not None else loop.last
    taken = None
    if any(edge.condition is not None for edge in run.node.out if edge.port == EACH_PORT):
        taken = taken_edges(turn.execution, run, {EACH_PORT}, item, turn.now)
    turn.emit(e.IterationStarted(run.node.id, run.iteration, index, item, taken))


def _finish(turn: Turn, run: NodeRun, plan: LoopPlan) -> None:
    loop = run.loop
    assert loop is not None  # noqa: S101 - a loop that runs has its state
    output: JsonValue = [loop.outputs[index] for index in range(loop.started)] if plan.items is not None else loop.last
    outcome = run.node.type.finish(output)
    if isinstance(outcome, Completed | Respond):
        complete(turn, run, outcome)
    elif isinstance(outcome, Failed):
        fail_run(turn, run, outcome)


def settle_scope(turn: Turn) -> None:
    """Act on one iteration that has failed, or whose nodes have all ended."""
    execution = turn.execution
    if execution.failed_scopes:
        failed = next(iter(execution.failed_scopes.values()))
        _fail_iteration(turn, execution.runs[failed])
        return
    scope = execution.scopes[next(iter(execution.ended_scopes))]
    turn.emit(e.IterationEnded(*scope.owner.key, scope.index, execution.output_of(scope)))
    pump(turn, scope.owner)


def _fail_iteration(turn: Turn, run: NodeRun) -> None:
    """A node of a loop's body has failed and nothing handles it: the loop says what becomes of it."""
    scope, error = turn.execution.scope_of(run), run.error or {}
    owner = scope.owner
    assert owner.loop is not None  # noqa: S101 - its iterations run
    if _plan(turn, owner).collect_errors:
        stop_scope(turn, scope, "another node of the iteration failed")
        turn.emit(e.IterationEnded(*owner.key, scope.index, None, error))
        pump(turn, owner)
        return
    stop_iterations(turn, owner, "an item of the loop failed")
    message = f"Item {scope.index} failed at {run.node.id}: {error.get('message')}"
    fail_run(turn, owner, Failed("item_failed", message, details={"index": scope.index, "error": error}))


def stop_iterations(turn: Turn, owner: NodeRun, reason: str) -> None:
    """Stop whatever runs in any iteration of a loop."""
    for scope in [scope for scope in turn.execution.scopes.values() if scope.owner is owner]:
        stop_scope(turn, scope, reason)


def stop_scope(turn: Turn, scope: Scope, reason: str) -> None:
    """Stop whatever runs in one iteration, and in loops within it."""
    execution = turn.execution
    for node in scope.owner.node.body:
        run = execution.runs.get((node.id, scope.iteration))
        if run is None:
            continue
        if run.loop is not None:
            stop_iterations(turn, run, reason)
        stop_run(turn, run, reason)
