"""Random workflows for the simulation: what their nodes do stands beside them, so that their meaning is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from support.node_types import Script
from support.reference import BROKEN, CONDITIONS, Behaviour
from support.simulation.workers import STEP
from support.workflows import Scenario

from flowrun.domain.definition import EdgeDefinition, Join, NodeDefinition, OnError, RetryPolicy, WorkflowDefinition
from flowrun.domain.validate import validate
from flowrun.formats import to_document
from flowrun.nodes.registry import builtin_types

TYPES = builtin_types()
TYPES.add(STEP)
TYPES.add(Script())
_JOINS = (Join.ALL, Join.ALL, Join.ALL, Join.ANY, Join.ALL_REQUIRED)
_PORTS = (("main",), ("main",), ("main",), ("left",), ("main", "right"), ())
_TIMEOUT = 5.0
"""Seconds of an attempt, so that timeouts don't take long."""


@dataclass
class Plan:
    """A workflow to be saved; without a scenario its meaning isn't computed."""

    id: str
    document: dict[str, Any]
    scenario: Scenario | None = None
    signals: tuple[str, ...] = ()
    """Names of signals that its nodes wait for."""
    child: bool = False
    """It is started by others alone."""
    behaviours: dict[str, Behaviour] = field(default_factory=dict)


def random_plans(rng: Random) -> list[Plan]:
    """Two or three workflows of random shape, and some of those whose shape matters."""
    plans = [_random(f"random-{number}", rng) for number in range(rng.randint(1, 2))]
    special = [_loop, _signal, _limited, _timed]
    plans += [make(rng) for make in rng.sample(special, rng.randint(1, 2))]
    if rng.random() < 0.6:
        plans += _calling(rng)
    if rng.random() < 0.5:
        plans.append(_plan("on-error", "t -> n0", rng, child=True))
        for plan in plans[:2]:
            plan.document["on_error"] = "on-error"
    return plans


def behaviour(rng: Random, node: str) -> Behaviour:
    """What a step does."""
    return Behaviour(
        output={"from": node, "flag": rng.random() < 0.5},
        ports=rng.choice(_PORTS),
        failures=rng.choice([0, 0, 0, 0, 1, 2, 3]),
        error=rng.choice([None] * 7 + ["bad"]),
        timed_out=rng.random() < 0.2,
    )


def _random(workflow: str, rng: Random) -> Plan:
    steps = [f"n{number}" for number in range(rng.randint(1, 8))]
    behaviours = {node: behaviour(rng, node) for node in steps}
    edges = _edges(["t", *steps], rng)
    answering = rng.choice([None, None, *steps])  # Of several answers, the first in time would count.
    kinds = {node: "respond" if node == answering else rng.choice(["step", "step", "script"]) for node in steps}
    nodes = [NodeDefinition("t", "manual"), *(_node(node, kinds[node], behaviours, edges, rng) for node in steps)]
    edges = [_fitting(edge, nodes) for edge in edges]
    edges = list({(e.source, e.target, e.source_handle, e.condition): e for e in edges}.values())
    timeout = rng.choice([None] * 9 + [20.0])
    definition = WorkflowDefinition(workflow, workflow, tuple(nodes), tuple(edges), timeout=timeout)
    assert not validate(definition, TYPES)
    return Plan(workflow, dict(to_document(definition)), Scenario(definition, behaviours, "t"), behaviours=behaviours)


def _edges(ids: list[str], rng: Random) -> list[EdgeDefinition]:
    conditions = [None] * 12 + [*CONDITIONS, BROKEN]
    edges = []
    for place in range(1, len(ids)):
        for source in {rng.randrange(place) for _ in range(rng.choice([1, 1, 2, 3]))}:
            port = rng.choice([None, None, None, None, "left", "right", "error"]) if source else None
            name = f"e{len(edges)}"
            edges.append(EdgeDefinition(name, ids[source], ids[place], port, rng.choice(conditions)))
    return edges


def _fitting(edge: EdgeDefinition, nodes: list[NodeDefinition]) -> EdgeDefinition:
    """The edge as far as its source can have it."""
    source = next(node for node in nodes if node.id == edge.source)
    port = edge.source_handle
    if port == "error" and source.on_error not in {None, OnError.ERROR_OUTPUT}:
        port = "left"
    if port in {"left", "right"} and source.type == "respond":
        port = None
    return replace(edge, source_handle=port)


def _node(
    node: str, kind: str, behaviours: dict[str, Behaviour], edges: list[EdgeDefinition], rng: Random
) -> NodeDefinition:
    params: dict[str, Any] = {}
    mine = behaviours[node]
    if kind == "script":  # The engine runs it itself: it never retries, and one that fails doesn't wait.
        wait = rng.choice([0, 500, 3000])
        mine = replace(mine, failures=0, timed_out=False, wait_ms=wait, ports=("main",) if wait else mine.ports)
        params = {"output": mine.output, "ports": list(mine.ports), "wait_ms": wait, "error": mine.error}
    elif kind == "respond":
        output = {"status": 200, "headers": {}, "body": mine.output}
        mine = Behaviour(output=output, responds=True)
        params = {"body": output["body"]}
    behaviours[node] = mine
    handles = any(edge.source == node and edge.source_handle == "error" for edge in edges)
    choices = [None, None, OnError.FAIL, OnError.DRAIN, OnError.CONTINUE] + [OnError.ERROR_OUTPUT] * handles
    return NodeDefinition(
        node,
        kind,
        params=params,
        join=rng.choice(_JOINS),
        on_error=rng.choice(choices),
        retry=RetryPolicy(max_attempts=rng.randint(1, 3)) if kind == "step" else None,
        timeout=_TIMEOUT if kind == "step" else None,
        disabled=rng.random() < 0.05,
    )


# --- those whose shape matters


def _plan(
    workflow: str, chain: str, rng: Random, *, signals: tuple[str, ...] = (), child: bool = False, **nodes: Any
) -> Plan:
    """A chain of nodes, `a -> b -port-> c`; those that `nodes` doesn't describe are steps."""
    parts = chain.split()
    ids, arrows = parts[::2], parts[1::2]
    described: list[dict[str, Any]] = []
    behaviours: dict[str, Behaviour] = {}
    for node in dict.fromkeys(ids):
        given = nodes.get(node, {"type": "manual"} if node == "t" else {"type": "step", "timeout": _TIMEOUT})
        described.append({"id": node, **given})
        if given["type"] == "step":
            behaviours[node] = Behaviour(output={"from": node}, failures=rng.choice([0, 0, 0, 1]))
    edges = [
        {"source": source, "target": target, **({"source_handle": arrow.strip("->")} if arrow.strip("->") else {})}
        for source, arrow, target in zip(ids, arrows, ids[1:], strict=False)
    ]
    document = {"id": workflow, "name": workflow, "nodes": described, "edges": edges}
    return Plan(workflow, document, signals=signals, child=child, behaviours=behaviours)


def _loop(rng: Random) -> Plan:
    params = {"items": list(range(rng.randint(1, 5))), "concurrency": rng.randint(1, 3), "on_item_error": "collect"}
    plan = _plan("loop", "t -> each -each-> n0 -> n1", rng, each={"type": "for_each", "params": params})
    plan.document["nodes"].append({"id": "after", "type": "step"})
    plan.document["edges"].append({"source": "each", "target": "after", "source_handle": "done"})
    plan.behaviours["after"] = Behaviour(output={"from": "after"})
    return plan


def _signal(rng: Random) -> Plan:
    params: dict[str, Any] = {"name": "go"}
    if rng.random() < 0.5:
        params["timeout"] = rng.choice([1, 5, 20])
    plan = _plan(
        "signal", "t -> n0 -> wait -> n1", rng, signals=("go",), wait={"type": "wait_for_signal", "params": params}
    )
    if "timeout" in params:
        plan.document["edges"].append({"source": "wait", "target": "n1", "source_handle": "timeout"})
    return plan


def _limited(rng: Random) -> Plan:
    plan = _plan("limited", "t -> n0 -> n1", rng)
    at_limit = rng.choice(["queue", "queue", "cancel_oldest"])
    plan.document["concurrency"] = {"limit": rng.choice([1, 1, 2]), "at_limit": at_limit}
    return plan


def _timed(rng: Random) -> Plan:
    delay = {"type": "delay", "params": {"for": rng.choice([0.5, 5, 30])}}
    plan = _plan("timed", "t -> n0 -> wait -> n1", rng, wait=delay)
    if rng.random() < 0.4:
        plan.document["timeout"] = rng.choice([3, 15])
    return plan


def _calling(rng: Random) -> list[Plan]:
    """A workflow that calls another, which may take much longer than its caller has patience."""
    call = {"type": "workflow", "params": {"workflow_id": "called", "wait": rng.random() < 0.85}}
    caller = _plan("caller", "t -> n0 -> call -> n1", rng, call=call)
    if rng.random() < 0.4:
        caller.document["timeout"] = rng.choice([5, 20])
    delay = {"type": "delay", "params": {"for": rng.choice([1, 10, 120])}}
    return [caller, _plan("called", "t -> n0 -> wait -> n1", rng, wait=delay, child=True)]


def ring_plans(rng: Random) -> list[Plan]:
    """Workflows with limits that call one another, and themselves, a few deep: who waits for whom closes in circles."""
    names = [f"ring-{number}" for number in range(rng.randint(1, 3))]
    return [_of_ring(name, names, rng) for name in names]


def _of_ring(workflow: str, names: list[str], rng: Random) -> Plan:
    call = {"type": "workflow", "params": {"workflow_id": rng.choice(names), "wait": True}}
    plan = _plan(workflow, "t -> n0 -> call -> n1", rng, call=call)
    plan.document["edges"][1]["condition"] = f"default(trigger.depth, 0) < {rng.randint(1, 4)}"
    plan.document["edges"].append({"source": "n0", "target": "n1"})
    at_limit = rng.choice(["queue", "queue", "reject", "cancel_oldest"])
    plan.document["concurrency"] = {"limit": rng.choice([1, 1, 2]), "at_limit": at_limit}
    if rng.random() < 0.2:
        plan.document["timeout"] = 20
    return plan


def telling_plans(rng: Random) -> list[Plan]:
    """A workflow that emits an event, and one or two that it starts."""
    tell = {"type": "emit", "params": {"event_type": "told"}}
    trigger = {"type": "event", "params": {"event_type": "told"}}
    names = [f"listener-{number}" for number in range(rng.randint(1, 2))]
    listeners = [_plan(name, "t -> n0 -> n1", rng, child=True, t=trigger) for name in names]
    return [_plan("teller", "t -> n0 -> tell -> n1", rng, tell=tell), *listeners]
