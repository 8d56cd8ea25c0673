"""What executions cost that only sleep, and how late they wake: `python -m benchmarks.sleeping [--executions N]`.

A real service accepts all of them over HTTP, each of which waits in a `delay` node: most of them for a month, some
until moments that come a little later, 500 of them a second. Filling takes a minute or two. Memory is the service's
resident memory, of the process that took them all in, and of one that finds them at its start. Lateness is the time
from when a delay is due to the completion that its history records.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.fill import deliver
from benchmarks.service import cpu_seconds, flowrun, free_port, memory_mb, server

EXECUTIONS = 100_000
PER_SECOND = 500
"""How many come due in a second, while there are such."""
SECONDS = 10
"""For how long."""
_SETTLE_S = 3.0
_MONTH_S = 30 * 86_400
_SAMPLE = 2_000
"""Deliveries that the pace of filling is taken from."""
_BODY = {"order": 4211, "items": [{"sku": "a-1", "qty": 2}], "note": "x" * 40}
WORKFLOW = """
id: sleep
name: Sleep
nodes:
  - {id: in, type: webhook, params: {path: sleep, auth: none}}
  - {id: nap, type: delay, params: {until: "{{ input.until }}"}}
  - {id: after, type: noop}
edges: [in -> nap, nap -> after]
"""
_LATENESS = """
SELECT ended.at - json_extract(began.data, '$.due_at')
FROM execution_events began JOIN execution_events ended USING (execution_id, node_id)
WHERE node_id = 'nap' AND began.type = 'NodeWaiting' AND ended.type = 'NodeCompleted'
"""


def sleepers(count: int, until: float, spread: float) -> Iterator[bytes]:
    """Bodies of executions that sleep until a moment (seconds since 1970), each `spread` seconds after the last."""
    for number in range(count):
        yield json.dumps({**_BODY, "until": round(until + number * spread, 3)}).encode()


@contextmanager
def service(data: Path, port: int) -> Iterator[tuple[int, float]]:
    """A process on the data directory: its id, and the seconds to its first answer."""
    with server([sys.executable, "-m", "flowrun", "serve", "--data-dir", str(data), "--port", str(port)], port) as (
        process,
        seconds,
    ):
        yield process.pid, seconds


def lateness(database: Path) -> list[int]:
    """Milliseconds, in order, of every delay that has ended."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return sorted(late for (late,) in connection.execute(_LATENESS))


def fill(port: int, executions: int, waking: int) -> tuple[float, float]:
    """Let all be accepted, those that are to wake first; gives when the first one wakes, and deliveries a second."""
    far, path = time.time() + _MONTH_S, "/webhooks/default/sleep"
    began = time.perf_counter()
    asyncio.run(deliver(port, path, sleepers(_SAMPLE, far, 0)))
    pace = (time.perf_counter() - began) / _SAMPLE
    # Those that wake are the oldest, so that at most a few of them are still in memory as they came.
    due = time.time() + 10 + executions * pace * 1.5
    asyncio.run(deliver(port, path, sleepers(waking, due, 1 / PER_SECOND)))
    asyncio.run(deliver(port, path, sleepers(executions - waking - _SAMPLE, far, 0)))
    taken = time.perf_counter() - began
    if time.time() + _SETTLE_S > due:
        raise SystemExit("the machine has grown slower: the first woke before all slept")
    return due, executions / taken


def measure(executions: int = EXECUTIONS) -> dict[str, float]:
    """All figures of sleeping executions."""
    waking = min(PER_SECOND * SECONDS, executions // 2)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        folder, port = Path(name), free_port()
        data = folder / "data"
        (folder / "sleep.yaml").write_text(WORKFLOW)
        with service(data, port) as (pid, _):
            flowrun("apply", str(folder / "sleep.yaml"), env=dict(os.environ, FLOWRUN_DATA_DIR=str(data)))
            time.sleep(1)
            found["sleeping_0_mb"] = memory_mb(pid)
            due, found["sleeping_filled_per_s"] = fill(port, executions, waking)
            time.sleep(_SETTLE_S)
            found["sleeping_mb"] = memory_mb(pid)
            time.sleep(max(due - time.time() - 1, 0))
            before = cpu_seconds(pid)
            late = wait_for_all(data / "flowrun.db", waking)
            found["sleeping_wake_cpu_ms"] = (cpu_seconds(pid) - before) * 1000 / waking
            found["sleeping_awake_mb"] = memory_mb(pid)
        found["sleeping_wake_p50_ms"] = late[len(late) // 2]
        found["sleeping_wake_p99_ms"] = late[int(len(late) * 0.99)]
        found["sleeping_wake_most_ms"] = late[-1]
        with service(data, port) as (pid, seconds):
            found["sleeping_start_s"] = seconds
            time.sleep(_SETTLE_S)
            found["sleeping_restarted_mb"] = memory_mb(pid)
    return {name: round(figure, 2) for name, figure in found.items()}


def wait_for_all(database: Path, waking: int) -> list[int]:
    """The lateness of each that was to wake, when all have."""
    time.sleep(waking / PER_SECOND + 1)
    for _ in range(60):
        late = lateness(database)
        if len(late) >= waking:
            return late
        time.sleep(1)
    raise SystemExit(f"only {len(late)} of {waking} have woken")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sleeping", description=__doc__)
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    options = parser.parse_args()
    for name, figure in measure(options.executions).items():
        print(f"{name:26} {figure:>10g}")


if __name__ == "__main__":
    main()
