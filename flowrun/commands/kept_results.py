"""Which results of an ended execution a rerun from a node uses again, in the same version or in another."""

from __future__ import annotations

from dataclasses import replace

from flowrun.domain.carry import carry_over
from flowrun.domain.decide import kept_events, rerun_start
from flowrun.domain.events import Event, ExecutionCreated, NodeCompleted, NodeEvent, NodeFailed, NodeSkipped
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Start
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonValue

History = list[tuple[int, Event]]
"""Times (ms) and events, in order."""
_Results = dict[str, tuple[int, Event]]


def kept_results(history: History, start: Start, ran_in: Graph, graph: Graph, from_node: str) -> History:
    """The results for a rerun that begins with `start` in `graph`; they come from the version `ran_in`.

    Raises `NotFoundError` for an unknown node, and `ConflictError` for one within a loop, and where another version
    leaves it open what is to follow from a result.
    """
    if ran_in.version == graph.version:
        return list(_last(kept_events(history, Execution("", "", graph), from_node)).values())
    rerun_start(graph, from_node)
    execution = Execution(str(start.rerun_of), "", graph)
    created = ExecutionCreated(graph.workflow_id, graph.version, start.trigger_node, start.trigger, start.input)
    evolve(execution, created, history[0][0])
    final: History = [
        (at, event) for at, event in history if isinstance(event, NodeCompleted | NodeFailed | NodeSkipped)
    ]
    return list(carry_over(_last(final), ran_in, execution, from_node).values())


def _last(history: History) -> _Results:
    """Each node's last result outside of loops."""
    last: _Results = {}
    for at, event in history:
        if isinstance(event, NodeEvent) and not event.iteration:
            # A node that was retried by hand has several final events; the last in the order of the first counts.
            last.pop(event.node, None)
            last[event.node] = (at, event)
    return last


def with_input(history: History, trigger_node: str, given: JsonValue) -> History:
    """The history as if the trigger had been given another input."""
    return [
        (at, replace(event, output=given))
        if isinstance(event, NodeCompleted) and event.node == trigger_node
        else (at, event)
        for at, event in history
    ]
