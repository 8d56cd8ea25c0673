"""The engine's figures, measured within one process: chains and fan-outs of nodes that worker tasks run.

Everything is as in production: embedded SQLite with `synchronous=FULL`, every event recorded, each node a taskiq
task. The node itself does nothing, so that the figures are the engine's.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from flowrun.bootstrap import Runtime, running
from flowrun.bootstrap.interpreter import tune_interpreter
from flowrun.config import Settings
from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.domain.facts import Start
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.node_type import Completed
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel
from flowrun.ports import Ending

TENANT = "bench"


class Step(WorkerNodeType):
    """Hands its input on."""

    name = "step"
    worker = "webhook"
    needs_input = True
    example = {}  # noqa: RUF012 - as the other types

    class Params(ParamsModel):
        """None."""

    async def run(self, job: NodeJob, services: Services) -> Completed:  # noqa: ARG002
        """Give the input."""
        return Completed(job.input)


@asynccontextmanager
async def runtime(*more: WorkerNodeType) -> AsyncIterator[Runtime]:
    """An engine on a fresh data directory, which knows `Step` and what `more` there is."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as folder:
        async with running(Settings(data_dir=Path(folder)), node_types=[Step(), *more]) as one:
            tune_interpreter()
            yield one


def chain(types: Runtime, length: int, kind: str = "step") -> Graph:
    """A trigger and a row of nodes."""
    nodes = [NodeDefinition("start", "manual")]
    nodes += [NodeDefinition(f"n{number}", kind) for number in range(length)]
    edges = [EdgeDefinition(f"e{number}", one.id, other.id) for number, (one, other) in enumerate(pairwise(nodes))]
    return compile_graph(WorkflowDefinition("chain", "Chain", tuple(nodes), tuple(edges)), 1, types.context.types)


def fan(types: Runtime, width: int) -> Graph:
    """A trigger, a row of parallel nodes, and a join."""
    middle = [f"n{number}" for number in range(width)]
    nodes = [NodeDefinition("start", "manual"), *(NodeDefinition(name, "step") for name in middle)]
    nodes.append(NodeDefinition("join", "noop"))
    edges = [EdgeDefinition(f"a{name}", "start", name) for name in middle]
    edges += [EdgeDefinition(f"b{name}", name, "join") for name in middle]
    return compile_graph(WorkflowDefinition("fan", "Fan", tuple(nodes), tuple(edges)), 1, types.context.types)


async def run_one(one: Runtime, graph: Graph) -> Ending:
    """Start one execution and wait for its end."""
    trigger = {"type": "manual", "body": {"order": 4211, "items": [{"sku": "a-1", "qty": 2}], "note": "x" * 40}}
    eid = await one.engine.start(graph, TENANT, Start("start", trigger), notify=True)
    ending = await one.engine.ending(eid, response=False, timeout=120)
    if ending is None or ending.status != "completed":
        raise SystemExit(f"an execution ended as {ending}")
    return ending


async def throughput(one: Runtime, graph: Graph, executions: int, steps: int) -> float:
    """Steps per second with all executions started at once."""
    began = time.perf_counter()
    await asyncio.gather(*(run_one(one, graph) for _ in range(executions)))
    return executions * steps / (time.perf_counter() - began)


async def closed_loop(one: Runtime, graph: Graph, executions: int, in_flight: int) -> None:
    """Run so many executions, of which each that ends lets the next one start."""
    left = iter(range(executions))

    async def client() -> None:
        for _ in left:
            await run_one(one, graph)

    await asyncio.gather(*(client() for _ in range(in_flight)))


async def closed_throughput(one: Runtime, graph: Graph, executions: int, in_flight: int, steps: int) -> float:
    """Steps per second in a closed loop."""
    began = time.perf_counter()
    await closed_loop(one, graph, executions, in_flight)
    return executions * steps / (time.perf_counter() - began)


async def alone(one: Runtime, graph: Graph, repetitions: int) -> float:
    """Median milliseconds of one execution with nothing beside it."""
    taken = []
    for _ in range(repetitions):
        began = time.perf_counter()
        await run_one(one, graph)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def measure(executions: int) -> dict[str, float]:
    """All figures of the engine."""
    async with runtime() as one:
        worker_chain, engine_chain, wide = chain(one, 10), chain(one, 10, "noop"), fan(one, 100)
        await throughput(one, worker_chain, 50, 10)
        return {
            "chain_steps_per_s": round(await throughput(one, worker_chain, executions, 10)),
            "chain_engine_nodes_steps_per_s": round(await throughput(one, engine_chain, executions, 10)),
            "chain_16_in_flight_steps_per_s": round(await closed_throughput(one, worker_chain, executions, 16, 10)),
            "chain_100_in_flight_steps_per_s": round(await closed_throughput(one, worker_chain, executions, 100, 10)),
            "chain_alone_ms": round(await alone(one, worker_chain, 30), 2),
            "fan_out_100_ms": round(await alone(one, wide, 20), 2),
        }
