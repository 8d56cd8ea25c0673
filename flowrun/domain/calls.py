"""Executions that nodes call and wait for: what becomes of the caller reaches the called one.

Whatever is to happen outside the caller happens by its `CALL` timer, written with the decision that asks for it. When
it fires, the called execution is started, paused, resumed or cancelled, as the caller then wishes.
"""

from __future__ import annotations

from flowrun.domain import events as e
from flowrun.domain import facts as f
from flowrun.domain.completion import complete
from flowrun.domain.emission import MAX_CHAIN, chain_depth
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.failure import fail_run
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Called, Completed, Failed
from flowrun.domain.states import Awaited, ExecutionStatus, NodeStatus
from flowrun.domain.turn import Timer, Turn


def call(turn: Turn, run: NodeRun, outcome: Called) -> None:
    """Let the run wait for a workflow that the timer sees started."""
    if chain_depth(turn.execution.trigger) >= MAX_CHAIN:
        message = f"{MAX_CHAIN} workflows have started one another already: this looks like a loop"
        fail_run(turn, run, Failed("workflow_chain_too_long", message, source="engine"))
        return
    asked: JsonObject = {"workflow_id": outcome.workflow_id, "input": outcome.input, "wait": outcome.wait}
    turn.emit(e.NodeWaiting(run.node.id, run.iteration, turn.now, asked, Awaited.CALL))
    turn.set_timer(f.TimerKind.CALL, turn.now, run)


def call_name(run: NodeRun) -> str:
    """What tells the calls of one run apart: a node that an operator lets run again calls anew, at another time."""
    return str(run.queued_at)


def running_call_name(queued_at: int, key: str) -> str:
    """The name of a call that a worker's node makes while it runs; `key` tells those of one run apart."""
    return f"{queued_at}:{key}"


def is_of_running(name: str) -> bool:
    """Whether a call was made by a node while it ran, which waits for its end by itself."""
    return ":" in name


def is_called(trigger: JsonObject) -> bool:
    """Whether a node has called the execution of this trigger, and not an operator later on in its name."""
    caller = trigger.get("caller")
    return isinstance(caller, dict) and caller.get("call") is not None


def awaited_by(trigger: JsonObject) -> str | None:
    """The execution that called the one of this trigger, and waits for its end."""
    caller = trigger.get("caller")
    if isinstance(caller, dict) and (caller.get("wait") or is_of_running(str(caller.get("call")))):
        return str(caller["execution_id"])
    return None


def nobody_awaits(trigger: JsonObject) -> JsonObject:
    """The trigger for another execution, whose end is no answer to the call; who called can still be read."""
    caller = trigger.get("caller")
    if not isinstance(caller, dict):
        return trigger
    return {**trigger, "caller": {**caller, "wait": False, "call": None}}


def any_under_way(execution: Execution) -> bool:
    """Whether a run waits for an execution that it has called."""
    return any(_waits_for_call(run) for run in execution.runs.values())


def _waits_for_call(run: NodeRun) -> bool:
    return run.status is NodeStatus.WAITING and run.awaits == Awaited.CALL


def tell_called(turn: Turn) -> None:
    """Let the called executions be told that their caller is paused, or goes on."""
    for run in turn.execution.runs.values():
        if _waits_for_call(run):
            turn.set_timer(f.TimerKind.CALL, turn.now, run)


def wish_of(execution: Execution, run: NodeRun | None) -> f.Wish:
    """What the run now wants of the execution that it has called."""
    if execution.final or run is None or run.status is not NodeStatus.WAITING:
        return f.Wish.STOP
    return f.Wish.PAUSE if execution.status is ExecutionStatus.PAUSED else f.Wish.RUN


def answered(turn: Turn, fact: f.CallAnswered) -> None:
    """Act on what has become of the called execution."""
    execution = turn.execution
    run = execution.runs.get(fact.key)
    wish = wish_of(execution, run)
    of_another_call = wish is not f.Wish.STOP and run is not None and fact.call not in {None, call_name(run)}
    if fact.fulfilled is not None:
        turn.decision.ended_timers.append((f.TimerKind.CALL, *fact.key))
        if wish is not fact.fulfilled or of_another_call:  # The caller has come to want something else meanwhile.
            turn.decision.timers.append(Timer(f.TimerKind.CALL, turn.now, *fact.key))
    if wish is f.Wish.STOP or run is None or of_another_call:
        turn.decision.discarded = True
    elif isinstance(fact.outcome, Completed):
        complete(turn, run, fact.outcome)
    elif fact.outcome is not None:
        fail_run(turn, run, fact.outcome)
    elif fact.called is not None and run.called is None:
        turn.emit(e.NodeCalled(run.node.id, run.iteration, fact.called))
