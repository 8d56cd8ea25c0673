"""What the expressions of a run see, and which of its edges their conditions let through."""

from __future__ import annotations

from collections.abc import Collection

from flowrun.domain.execution import Execution, NodeRun, cut_iteration
from flowrun.domain.expression import Expression, Template
from flowrun.domain.graph import Node, is_within
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import NodeStatus


def taken_edges(
    execution: Execution,
    run: NodeRun,
    ports: Collection[str],
    payload: JsonValue,
    now: int,
    error: JsonObject | None = None,
) -> list[str]:
    """The ids of the outgoing edges whose port was chosen and whose condition holds; `error` is what the run failed of.

    Raises `ExpressionError` when a condition cannot be evaluated.
    """
    own = _as_ended(payload, error)
    return [
        edge.id
        for edge in run.node.out
        if edge.port in ports and (edge.condition is None or _holds(execution, run, edge.condition, payload, own, now))
    ]


def condition_holds(
    execution: Execution,
    run: NodeRun,
    condition: Expression,
    payload: JsonValue,
    now: int,
    error: JsonObject | None = None,
) -> bool:
    """Whether one condition lets what the run carries through; raises `ExpressionError`, see `taken_edges`."""
    return _holds(execution, run, condition, payload, _as_ended(payload, error), now)


def _as_ended(payload: JsonValue, error: JsonObject | None) -> JsonObject:
    """What the run's own conditions see of it at its end."""
    status = NodeStatus.COMPLETED if error is None else NodeStatus.FAILED
    return {"output": payload if error is None else None, "error": error, "status": status.value}


def _holds(
    execution: Execution, run: NodeRun, condition: Expression, payload: JsonValue, own: JsonObject, now: int
) -> bool:
    scope = scope_of(execution, run, condition)
    scope["input"] = scope["output"] = payload
    if run.node.id in condition.node_refs or condition.dynamic_nodes:
        nodes = scope["nodes"]
        if isinstance(nodes, dict):
            nodes[run.node.id] = own
    return bool(condition.evaluate(scope, now=now))


def scope_of(execution: Execution, run: NodeRun, source: Template | Expression) -> dict[str, JsonValue]:
    """The names that an expression of this run sees; only the nodes that it speaks of are looked up."""
    wanted = list(execution.graph.nodes.values()) if source.dynamic_nodes else _named(execution, source)
    found: dict[str, JsonValue] = {
        "trigger": execution.trigger,
        "vars": execution.graph.variables,
        "execution": _facts(execution, run, source),
        "nodes": {node.id: _seen(execution, node, run.iteration) for node in wanted},
    }
    if run.node.loop is not None:
        scope = execution.scope_of(run)
        found["item"], found["index"] = scope.item, scope.index
    return found


def _facts(execution: Execution, run: NodeRun, source: Template | Expression) -> JsonObject:
    facts, links = execution.facts(), execution.links
    if execution.graph.waits and links is not None and "execution" in source.names:
        facts["resume_urls"] = {
            node.id: links.url(execution.id, node.id, cut_iteration(run.iteration, node.depth))
            for node in execution.graph.waits
            if node.loop is None or is_within(run.node, node.loop)
        }
    return facts


def _named(execution: Execution, source: Template | Expression) -> list[Node]:
    nodes = execution.graph.nodes
    return [nodes[name] for name in source.node_refs if name in nodes]


def _seen(execution: Execution, node: Node, iteration: str) -> JsonObject | None:
    # A node of an enclosing scope is seen as it is there; one of another loop's body isn't seen.
    run = execution.runs.get((node.id, cut_iteration(iteration, node.depth)))
    if run is None:
        return None
    done = run.status is NodeStatus.COMPLETED
    return {"output": run.output if done else None, "error": run.error, "status": run.status.value}
