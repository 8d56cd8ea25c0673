"""Signals: what someone outside tells a node that waits for it.

A signal that comes before its node waits is kept, and taken when the node begins to wait; each is taken once. The
answer to a form is not kept: what the form asks for is known only when the node waits.
"""

from __future__ import annotations

from difflib import get_close_matches

from flowrun.domain import events as e
from flowrun.domain import facts as f
from flowrun.domain.completion import complete
from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.execution import Execution, KeptSignal, NodeRun, RunKey
from flowrun.domain.failure import fail_run, rfc3339
from flowrun.domain.forms import read_answer
from flowrun.domain.graph import Node
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import APPROVED_PORT, REJECTED_PORT, TIMEOUT_PORT, Awaiting, Completed, Failed
from flowrun.domain.states import Awaited, ExecutionStatus, NodeStatus
from flowrun.domain.turn import Turn
from flowrun.errors import ConflictError, InvalidInputError, Issue

MOST_KEPT = 100
"""How many signals an execution keeps for nodes that don't wait yet."""


def await_signal(turn: Turn, run: NodeRun, outcome: Awaiting) -> None:
    """Let the run wait, unless its signal has come already."""
    turn.emit(e.NodeWaiting(run.node.id, run.iteration, outcome.until, {"form": outcome.form}, Awaited.SIGNAL))
    for number, kept in turn.execution.signals.items():
        if _is_for(kept, run):
            _take(turn, run, number, kept)
            return
    if outcome.until is not None:
        turn.set_timer(f.TimerKind.SIGNAL, outcome.until, run)


def receive(turn: Turn, fact: f.Signal) -> None:
    """Let the signal reach the node that waits for it, or be kept for one that will.

    Raises `ConflictError` when nothing waits or will wait for it, `InvalidInputError` for data that doesn't fit.
    """
    execution = turn.execution
    if execution.final or execution.status is ExecutionStatus.CANCELLING:
        raise ConflictError(f"The execution is {execution.status}; it takes no signals")
    run = awaiting_run(execution, fact.name, fact.key)
    if run is None:
        _require_awaited(execution, fact)
        _emit(turn, fact, _name_of(execution, fact))
        return
    read_answer(form_of(run), fact.data)
    _emit(turn, fact, str(run.node.signal))
    turn.clear_timer(f.TimerKind.SIGNAL, run)
    _take(turn, run, execution.seq, execution.signals[execution.seq])


def stop_clocks(turn: Turn) -> None:
    """Let no wait last too long while its execution is paused."""
    for run in turn.execution.runs.values():
        if is_awaiting(run) and run.due_at is not None:
            turn.clear_timer(f.TimerKind.SIGNAL, run)


def wait_longer(turn: Turn, pause: int) -> None:
    """Let waits that a pause of so many ms has interrupted last as much longer."""
    for run in turn.execution.runs.values():
        if is_awaiting(run) and run.due_at is not None:
            due_at = run.due_at + pause
            turn.emit(e.NodeWaiting(run.node.id, run.iteration, due_at, run.output, Awaited.SIGNAL))
            turn.set_timer(f.TimerKind.SIGNAL, due_at, run)


def expire(turn: Turn, run: NodeRun) -> None:
    """End a wait that has lasted too long: by the port `timeout`, else as a failure."""
    name = str(run.node.signal)
    if any(edge.port == TIMEOUT_PORT for edge in run.node.out):
        complete(turn, run, Completed({"signal": name, "timed_out": True}, (TIMEOUT_PORT,)))
    else:
        message = f"The signal {name} did not come in time"
        fail_run(turn, run, Failed("signal_timeout", message, source="timeout"))


def awaiting_run(execution: Execution, name: str | None, key: RunKey | None) -> NodeRun | None:
    """The run that waits for a signal of that name, the longest waiting first, or the one of that key."""
    if key is not None:
        run = execution.runs.get(key)
        return run if run is not None and is_awaiting(run) else None
    return next((run for run in execution.runs.values() if is_awaiting(run) and run.node.signal == name), None)


def is_awaiting(run: NodeRun) -> bool:
    """Whether the run waits for a signal."""
    return run.status is NodeStatus.WAITING and run.awaits == Awaited.SIGNAL


def form_of(run: NodeRun) -> JsonObject | None:
    """The form that a waiting run asks for; None when any data will do."""
    form = run.output.get("form") if isinstance(run.output, dict) else None
    return form if isinstance(form, dict) else None


def _emit(turn: Turn, fact: f.Signal, name: str) -> None:
    target = None if fact.key is None else [*fact.key]
    turn.emit(e.SignalReceived(name, fact.data, target, fact.by))


def _is_for(kept: KeptSignal, run: NodeRun) -> bool:
    return kept.target == run.key if kept.target is not None else kept.name == run.node.signal


def _take(turn: Turn, run: NodeRun, number: int, kept: KeptSignal) -> None:
    answer = read_answer(form_of(run), kept.data)
    output: JsonObject = {"data": answer.data, "by": kept.by, "received_at": rfc3339(kept.at)}
    ports: tuple[str, ...] = (MAIN_PORT,)
    if answer.approved is not None:
        output["approved"] = answer.approved
        ports = (APPROVED_PORT, MAIN_PORT) if answer.approved else (REJECTED_PORT,)
    complete(turn, run, Completed(output, ports), signal=number)


# --- signals that nothing waits for now


def _require_awaited(execution: Execution, fact: f.Signal) -> None:
    if fact.key is not None:
        _require_run_awaited(execution, fact.key)
        return
    nodes = [node for node in execution.graph.waits if node.signal == fact.name]
    if not nodes:
        raise InvalidInputError("The signal is not valid", [_unknown_name(execution, fact.name or "")])
    _require_room(execution)
    kept = sum(one.target is None and one.name == fact.name for one in execution.signals.values())
    free = sum(_may_wait(execution, node) for node in nodes)
    in_loop = any(node.loop is not None for node in nodes)
    if not in_loop and kept >= free:
        raise ConflictError(f"Nothing waits for the signal {fact.name} any more")
    if all(node.asks for node in nodes):
        raise ConflictError(f"Nothing waits for the signal {fact.name} yet")


def _require_run_awaited(execution: Execution, key: RunKey) -> None:
    node = next((node for node in execution.graph.waits if node.id == key[0]), None)
    if node is None:
        raise InvalidInputError("The signal is not valid", [Issue("node_id", f"names {key[0]}, which waits for none")])
    over = node.loop is not None and (node.loop.id, key[1]) not in execution.scopes
    if over or not _may_wait(execution, node, key[1]) or any(kept.target == key for kept in execution.signals.values()):
        raise ConflictError(f"The node {key[0]} has been answered, or waits no longer")
    if node.asks:
        raise ConflictError(f"The node {key[0]} doesn't wait for its answer yet")
    _require_room(execution)


def _require_room(execution: Execution) -> None:
    if len(execution.signals) >= MOST_KEPT:
        raise ConflictError(f"{MOST_KEPT} signals wait already for a node that takes them")


def _may_wait(execution: Execution, node: Node, iteration: str = "") -> bool:
    run = execution.runs.get((node.id, iteration))
    return run is None or run.finished_at is None


def _name_of(execution: Execution, fact: f.Signal) -> str:
    return str(fact.name if fact.key is None else execution.graph.nodes[fact.key[0]].signal)


def _unknown_name(execution: Execution, name: str) -> Issue:
    names = sorted({str(node.signal) for node in execution.graph.waits})
    if not names:
        return Issue("name", "the workflow has no node that waits for a signal")
    close = get_close_matches(name, names, n=1)
    return Issue("name", f"must be one of {', '.join(names)}", close[0] if close else None)
