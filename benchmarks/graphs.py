"""What a node costs in a graph of 1,000 nodes, beside one of 10: chains, and layers whose nodes join two of the last.

Processor time of the whole process, the writer's thread included. As many executions of either are under way at a
time, so that commits are shared by as many; runs of the two alternate, and of each the cheapest counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

from benchmarks import engine
from flowrun.bootstrap import Runtime
from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed
from flowrun.nodes.job import NodeJob, Services

SMALL, LARGE = 10, 1_000
_WIDTH = 5
"""Nodes of a layer."""


class Mark(engine.Step):
    """Gives always the same: what each node of a layer hands on would grow from join to join."""

    name = "mark"

    async def run(self, job: NodeJob, services: Services) -> Completed:  # noqa: ARG002
        """Give a text."""
        return Completed("x" * 40)


def layers(types: Runtime, length: int, kind: str) -> Graph:
    """A trigger and rows of five nodes, each of which joins its neighbour and its own place in the row before."""
    rows = [[f"n{row}.{place}" for place in range(_WIDTH)] for row in range(length // _WIDTH)]
    params: JsonObject = {"value": "x" * 40} if kind == "transform" else {}
    nodes = [NodeDefinition("start", "manual")]
    nodes += [NodeDefinition(name, kind, params=params) for row in rows for name in row]
    edges = [EdgeDefinition(f"s{place}", "start", name) for place, name in enumerate(rows[0])]
    for before, row in pairwise(rows):
        edges += [EdgeDefinition(f"a{name}", before[place], name) for place, name in enumerate(row)]
        edges += [EdgeDefinition(f"b{name}", before[place - 1], name) for place, name in enumerate(row)]
    return compile_graph(WorkflowDefinition("layers", "Layers", tuple(nodes), tuple(edges)), 1, types.context.types)


async def cost(one: Runtime, graph: Graph, in_flight: int, executions: int) -> float:
    """Microseconds of processor time per node, with so many executions under way until all have ended."""
    began = time.process_time()
    await engine.closed_loop(one, graph, executions, in_flight)
    return (time.process_time() - began) * 1e6 / (executions * len(graph.nodes))


async def compare(one: Runtime, make: Callable[[int], Graph], in_flight: int, rounds: int) -> tuple[float, float]:
    """Microseconds per node in the small graph, and how many times as much it is in the large one."""
    small, large = make(SMALL), make(LARGE)
    await cost(one, small, in_flight, in_flight)
    costs: dict[int, list[float]] = {SMALL: [], LARGE: []}
    for _ in range(rounds):
        # The small runs before and after: a machine that grows slower is not taken for a graph that does.
        costs[SMALL].append(await cost(one, small, in_flight, in_flight * 20))
        costs[LARGE].append(await cost(one, large, in_flight, in_flight))
        costs[SMALL].append(await cost(one, small, in_flight, in_flight * 20))
    return min(costs[SMALL]), min(costs[LARGE]) / min(costs[SMALL])


async def measure(executions: int, rounds: int = 1) -> dict[str, float]:
    """All figures of large graphs; a fiftieth of `executions` are under way at a time."""
    in_flight = max(executions // 50, 4)
    found: dict[str, float] = {}
    async with engine.runtime(Mark()) as one:
        shapes: dict[str, Callable[[int], Graph]] = {
            "chain_worker": lambda length: engine.chain(one, length),
            "chain_engine": lambda length: engine.chain(one, length, "noop"),
            "layers_worker": lambda length: layers(one, length, "mark"),
            "layers_engine": lambda length: layers(one, length, "transform"),
        }
        for name, make in shapes.items():
            small, ratio = await compare(one, make, in_flight, rounds)
            found[f"{name}_node_us"] = round(small, 1)
            found[f"{name}_1000_to_10"] = round(ratio, 3)
    return found
