"""The agents' figures: turns against a stand-in for the model, which runs in a process of its own, and starts of code.

The stand-in answers at once, so that the figures are flowrun's own: what a turn costs beside the model's time.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.engine import TENANT, alone, run_one
from flowrun.bootstrap import Runtime, running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.domain.graph import Graph

AT_ONCE = 100
"""Turns under way at a time."""


@asynccontextmanager
async def stand_in() -> AsyncIterator[str]:
    """A model in another process; gives its `base_url`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "flowrun", "dev", "llm-stub", "--port", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        found = re.search(rb"http://\S+", await process.stderr.readline())
        if found is None:
            raise SystemExit("the stand-in does not come up")
        yield found[0].decode()
    finally:
        process.terminate()
        await process.wait()


async def saved(one: Runtime, kind: str, params: dict[str, object]) -> Graph:
    """A stored workflow of a trigger and one node."""
    nodes = [{"id": "start", "type": "manual"}, {"id": "node", "type": kind, "params": params}]
    document: Any = {"nodes": nodes, "edges": ["start -> node"]}
    await one.mediator.send(SaveWorkflow(tenant_id=TENANT, workflow_id=kind, document=document), OPERATOR)
    return await one.context.graphs.get(TENANT, kind)


async def turns(one: Runtime, graph: Graph, count: int) -> tuple[float, list[float]]:
    """Turns per second with a hundred under way, and the milliseconds of each execution, in order."""
    places = asyncio.Semaphore(AT_ONCE)
    taken = []

    async def turn() -> None:
        async with places:
            began = time.perf_counter()
            await run_one(one, graph)
            taken.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(turn() for _ in range(count)))
    return count / (time.perf_counter() - began), sorted(taken)


async def measure(count: int) -> dict[str, float]:
    """All figures of the agents."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as folder:
        settings = Settings(data_dir=Path(folder), http_allow=("127.0.0.1",), worker_agent=AT_ONCE)
        async with stand_in() as url, running(settings) as one:
            await one.mediator.send(CreateTenant(id=TENANT), OPERATOR)
            agent = await saved(one, "agent", {"model": "stub", "base_url": url, "prompt": "Order {{ input.order }}?"})
            code = await saved(one, "code", {"source": "return 1"})
            await turns(one, agent, AT_ONCE)
            rate, taken = await turns(one, agent, count)
            return {
                "agent_turns_per_s": round(rate),
                "agent_turn_p50_ms": round(statistics.median(taken), 1),
                "agent_turn_p99_ms": round(taken[int(len(taken) * 0.99)], 1),
                "agent_turn_alone_ms": round(await alone(one, agent, 20), 2),
                "code_node_alone_ms": round(await alone(one, code, 20), 2),
            }
