"""What attached streams cost the engine: `python -m benchmarks.streams`.

The engine and the HTTP side run in one process as they do in the service; the clients are processes of their own that
read what comes. Rounds with and without streams take turns, now in this order and now in that, as the machine's mood
changes; on a machine that does other work besides, the ratios still swing by a tenth.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from benchmarks import engine
from flowrun.api.app import create_app
from flowrun.api.serving import serve
from flowrun.bootstrap import Runtime
from flowrun.coordinator.feed import Feed
from flowrun.domain.decide import decide
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Start
from flowrun.domain.turn import Decision

COUNTS = (0, 1, 10)
_LENGTH = 10
_CLIENT = """
import socket, sys
with socket.socket(socket.AF_UNIX) as one:
    one.connect(sys.argv[1])
    one.sendall(b"GET /api/v1/stream HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    while one.recv(1 << 20):
        pass
"""


@asynccontextmanager
async def served(one: Runtime, path: Path) -> AsyncIterator[None]:
    """The HTTP side on a unix socket."""
    stop, ports = asyncio.Event(), asyncio.Queue[int]()
    app = create_app(one.mediator, one.context, one.settings)
    task = asyncio.create_task(
        serve(
            app,
            host="127.0.0.1",
            port=0,
            socket_path=path,
            stop=stop,
            started=ports.put_nowait,
            stopping=one.end_waits,
        )
    )
    await ports.get()
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def clients(one: Runtime, path: Path, count: int) -> AsyncIterator[None]:
    """So many processes that read the stream of everything."""
    command = [sys.executable, "-S", "-c", _CLIENT, str(path)]
    processes = [subprocess.Popen(command) for _ in range(count)]  # noqa: ASYNC220 - starting is all that it does
    try:
        while one.context.stats.everything()["streams"] != count:  # noqa: ASYNC110 - a count, with no event
            await asyncio.sleep(0.01)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
        while one.context.stats.everything()["streams"]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def measure(executions: int, rounds: int = 5) -> dict[str, float]:
    """Steps per second by the number of streams, and what a change costs while nobody listens, and while one does."""
    found: dict[int, list[float]] = {count: [] for count in COUNTS}
    spent: dict[int, list[float]] = {count: [] for count in COUNTS}
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        path = Path(name) / "s"
        async with engine.runtime() as one, served(one, path):
            graph = engine.chain(one, _LENGTH)
            await engine.throughput(one, graph, 50, _LENGTH)
            for number in range(rounds):
                for count in COUNTS if number % 2 else COUNTS[::-1]:
                    async with clients(one, path, count):
                        began = time.process_time()
                        found[count].append(await engine.throughput(one, graph, executions, _LENGTH))
                        spent[count].append((time.process_time() - began) / (executions * _LENGTH))
            silent, heard = telling(one)
    return {
        **{f"steps_per_s_{count}_streams": round(statistics.median(rates)) for count, rates in found.items()},
        **{f"cpu_us_a_step_{count}_streams": round(statistics.median(of) * 1e6, 1) for count, of in spent.items()},
        **{f"cpu_{count}_to_0_streams": round(_ratio(spent[count], spent[0]), 3) for count in COUNTS[1:]},
        "tell_nobody_us": round(silent * 1e6, 2),
        "tell_someone_us": round(heard * 1e6, 2),
    }


def telling(one: Runtime) -> tuple[float, float]:
    """Seconds for telling the feed of a commit, without a reader and with one."""
    execution = Execution("x", engine.TENANT, engine.chain(one, _LENGTH))
    decision = decide(execution, [Start("start", {"type": "manual", "body": {}})], 0, random.random)
    feed = Feed(1)
    silent = _seconds(feed, execution, decision)
    with feed.reading("benchmark"):
        return silent, _seconds(feed, execution, decision)


def _ratio(of: list[float], to: list[float]) -> float:
    return statistics.median(of) / statistics.median(to)


def _seconds(feed: Feed, execution: Execution, decision: Decision) -> float:
    began = time.perf_counter()
    for _ in range(20_000):
        feed.committed(execution, decision)
    return (time.perf_counter() - began) / 20_000


if __name__ == "__main__":
    for _name, _figure in uvloop.run(measure(200)).items():
        print(f"{_name:34} {_figure:>10g}")
