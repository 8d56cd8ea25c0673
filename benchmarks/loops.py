"""Loops: items per second of `for_each` over 10,000 items, its memory beside that of 100 items, iterations of `loop`.

Each is measured in a process of its own: the peak of memory is the process's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.engine import TENANT, runtime
from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.domain.facts import Start
from flowrun.domain.graph import compile_graph

MANY, FEW = 10_000, 100
_MIB = 1 << 20
_AT_ONCE = 50
BODIES: dict[str, NodeDefinition] = {
    "engine": NodeDefinition("body", "transform", params={"value": {"n": "{{ item.n + 1 }}"}}),
    "worker": NodeDefinition("body", "step"),
    "loop": NodeDefinition("body", "transform", params={"value": {"n": "{{ input.n + 1 }}"}}),
}


def workflow(kind: str, rounds: int) -> WorkflowDefinition:
    """A trigger, the loop, and its body of one node."""
    params: dict[str, Any] = {"items": "input", "concurrency": _AT_ONCE if kind == "worker" else 1}
    if kind == "loop":
        params = {"condition": f"index < {rounds}", "max_iterations": rounds}
    nodes = (
        NodeDefinition("start", "manual"),
        NodeDefinition("each", "loop" if kind == "loop" else "for_each", params=params),
        BODIES[kind],
    )
    edges = (EdgeDefinition("a", "start", "each"), EdgeDefinition("b", "each", "body", "each"))
    return WorkflowDefinition("loop", "Loop", nodes, edges)


async def run(kind: str, rounds: int) -> dict[str, float]:
    """Run one loop; rounds per second, and the MB that the process grew by at most."""
    async with runtime() as one:
        graph = compile_graph(workflow(kind, rounds), 1, one.context.types)
        body: Any = {"n": 0} if kind == "loop" else [{"n": number, "note": "x" * 40} for number in range(rounds)]
        before, began = _resident(), time.perf_counter()
        eid = await one.engine.start(graph, TENANT, Start("start", {"type": "manual", "body": body}), notify=True)
        ending = await one.engine.ending(eid, response=False, timeout=60)
        took = time.perf_counter() - began
    if ending is None or ending.status != "completed":
        raise SystemExit(f"a loop ended as {ending}")
    return {"per_s": rounds / took, "grew_mb": max(0.0, _peak() - before) / _MIB}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _peak() -> int:
    """The most that this program has had; what `getrusage` tells is at least what its parent had when it began."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def apart(kind: str, rounds: int) -> dict[str, float]:
    """Run one loop in another process."""
    command = [sys.executable, "-m", "benchmarks.loops", kind, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(rounds: int = MANY) -> dict[str, float]:
    """All figures of loops."""
    many, few = apart("engine", rounds), apart("engine", FEW)
    return {
        "for_each_items_per_s": round(many["per_s"]),
        "for_each_worker_items_per_s": round(apart("worker", rounds)["per_s"]),
        f"for_each_{FEW}_grew_mb": round(few["grew_mb"], 1),
        f"for_each_{rounds}_grew_mb": round(many["grew_mb"], 1),
        "loop_iterations_per_s": round(apart("loop", rounds)["per_s"]),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(sys.argv[1], int(sys.argv[2])))))
