"""What reading costs when a million executions are stored: `python -m benchmarks.stored [--rows N] [--keep DIR]`.

The rows of executions are all written; node runs and events only for the newest ones, which are those that are looked
at. Lists are asked of the real runtime, as the API asks them, with and without filters. Bytes per step are measured
apart, on executions that the engine has run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path

from benchmarks import engine
from flowrun.bootstrap import Runtime, running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.domain.states import ExecutionStatus as S
from flowrun.queries.get_execution import GetExecution
from flowrun.queries.get_history import GetHistory
from flowrun.queries.get_stats import GetStats, GetTenantStats
from flowrun.queries.list_executions import ListAllExecutions, ListExecutions

ROWS = 1_000_000
TENANTS = [f"t{number:02}" for number in range(20)]
WORKFLOWS = [f"flow-{number:02}" for number in range(50)]
STATES = ["completed"] * 940 + ["failed"] * 40 + ["cancelled"] * 10 + ["timed_out"] * 5 + ["waiting"] * 5
DETAILED = 20_000
"""The newest executions, which have node runs and events."""
NODES = ("in", "fetch", "score", "send")
_BATCH = 20_000
_DAYS_MS = 30 * 86_400_000


def executions(count: int, now: int) -> Iterator[tuple[object, ...]]:
    """Rows, oldest first: half of them the first tenant's, spread over a month."""
    choose = random.Random(1)
    for number in range(count):
        at = now - _DAYS_MS + number * _DAYS_MS // count
        digits = f"{at:012x}"
        eid = f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"
        tenant = TENANTS[0] if choose.random() < 0.5 else choose.choice(TENANTS)
        status = choose.choice(STATES)
        ended = None if status == "waiting" else at + 900
        kind = choose.choice(WORKFLOWS)
        yield (eid, tenant, kind, 1, status, "webhook", None, None, 11 if ended else None, at, at, ended)


def details(rows: list[tuple[object, ...]]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The node runs and the events of some executions."""
    runs: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []
    payload = json.dumps({"output": {"order": 4211, "items": [{"sku": "a-1", "qty": 2}], "note": "x" * 40}})
    for eid, *_, at, _started, _ended in rows:
        for index, node in enumerate(NODES):
            empty = (None, None, None)
            runs.append((eid, node, "", "completed", 1, 0, 1, None, *empty, 3 + 2 * index, at, at, at, None))
        types = ["ExecutionCreated", "ExecutionStarted", *["NodeQueued", "NodeCompleted"] * 4, "ExecutionCompleted"]
        events += [(eid, seq, at, kind, None, None, payload) for seq, kind in enumerate(types, 1)]
    return runs, events


def fill(database: Path, count: int) -> float:
    """Write the rows; gives the seconds."""
    began, now = time.perf_counter(), time.time_ns() // 1_000_000
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-524288")
        rows = executions(count, now)
        last: list[tuple[object, ...]] = []
        connection.execute("BEGIN")
        while batch := list(islice(rows, _BATCH)):
            _insert(connection, "executions", batch)
            last = (last + batch)[-DETAILED:]
        runs, events = details(last)
        _insert(connection, "node_executions", runs)
        _insert(connection, "execution_events", events)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return time.perf_counter() - began


def _insert(connection: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    marks = ",".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


Ask = Callable[[], Awaitable[object]]


def questions(one: Runtime) -> dict[str, Ask]:
    """What is measured, by name."""
    choose, now = random.Random(2), time.time_ns() // 1_000_000

    def ask(make: Callable[[], object]) -> Ask:
        return lambda: one.mediator.send(make(), OPERATOR)  # type: ignore[arg-type]

    def listed(**filters: object) -> Ask:
        return ask(lambda: ListExecutions(tenant_id=choose.choice(TENANTS), **filters))  # type: ignore[arg-type]

    def listed_all(**filters: object) -> Ask:
        return ask(lambda: ListAllExecutions(**filters))  # type: ignore[arg-type]

    week = now - 7 * 86_400_000
    every = {"status": (S.FAILED, S.TIMED_OUT), "workflow_id": "flow-07", "since": week, "q": "flow-0"}
    return {
        "list": listed(),
        "list_progress": listed(progress=True),
        "list_failed": listed(status=(S.FAILED,)),
        "list_live": listed(status=(S.QUEUED, S.RUNNING, S.WAITING, S.PAUSED)),
        "list_workflow": listed(workflow_id="flow-07"),
        "list_workflow_failed": listed(workflow_id="flow-07", status=(S.FAILED,)),
        "list_workflow_rare": listed(workflow_id="flow-07", status=(S.TIMED_OUT,)),
        "list_workflow_none": listed(workflow_id="flow-07", status=(S.PAUSED,)),
        "list_q": listed(q="flow-1"),
        "list_every_filter": listed(**every),
        "list_old": listed(until=week),
        "list_all": listed_all(),
        "list_all_failed": listed_all(status=(S.FAILED,)),
        "list_all_paused": listed_all(status=(S.PAUSED,)),
        "list_all_workflow": listed_all(workflow_id="flow-07"),
        "list_all_every_filter": listed_all(**every),
        "stats": ask(GetStats),
        "stats_of_tenant": ask(lambda: GetTenantStats(tenant_id="t00")),
    }


async def _p95(ask: Ask, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return round(sorted(taken)[int(len(taken) * 0.95)], 2)


async def measure_reads(data_dir: Path, times: int) -> dict[str, float]:
    """p95 in ms of each question; the first start with these rows, in s."""
    began = time.perf_counter()
    async with running(Settings(data_dir=data_dir)) as one:
        found = {"stored_start_s": round(time.perf_counter() - began, 2)}
        newest = await one.mediator.send(ListExecutions(tenant_id="t00", limit=200), OPERATOR)
        ids = random.Random(3).sample([item["id"] for item in newest["items"]], 100)
        asked = iter(ids * 10)
        show = lambda: one.mediator.send(GetExecution(tenant_id="t00", execution_id=next(asked)), OPERATOR)  # noqa: E731
        history = lambda: one.mediator.send(GetHistory(tenant_id="t00", execution_id=next(asked)), OPERATOR)  # noqa: E731
        for name, ask in {**questions(one), "show": show, "history": history}.items():
            for _ in TENANTS:  # Workflows that are seen for the first time are compiled, once.
                await ask()
            found[f"stored_{name}_p95_ms"] = await _p95(ask, times)
        return found


async def prepare(data_dir: Path) -> None:
    """The schema, the tenants and the workflows."""
    nodes = [{"id": NODES[0], "type": "manual"}, *({"id": node, "type": "noop"} for node in NODES[1:])]
    edges = [{"source": a, "target": b} for a, b in pairwise(NODES)]
    async with running(Settings(data_dir=data_dir)) as one:
        for tenant in TENANTS:
            await one.mediator.send(CreateTenant(id=tenant), OPERATOR)
            for workflow in WORKFLOWS:
                document = {"id": workflow, "name": workflow, "nodes": nodes, "edges": edges}
                await one.mediator.send(SaveWorkflow(tenant_id=tenant, document=document), OPERATOR)


async def bytes_per_step(executions_run: int) -> float:
    """What the database grows by for each node run of a worker, everything of its execution included."""
    async with engine.runtime() as one:
        graph = engine.chain(one, 10)
        await engine.throughput(one, graph, 10, 10)
        before = _size(one.settings.database_path)
        await engine.throughput(one, graph, executions_run, 10)
        return round((_size(one.settings.database_path) - before) / (executions_run * 10))


def _size(database: Path) -> int:
    """Pages in use, wherever they are at the moment."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ((pages,), (free,), (size,)) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


async def measure(rows: int = ROWS, times: int = 40, folder: Path | None = None) -> dict[str, float]:
    """All figures of a database that holds much."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        data_dir = Path(name) if folder is None else folder
        database = data_dir / "flowrun.db"
        found: dict[str, float] = {}
        if not database.exists():
            await prepare(data_dir)
            found["stored_fill_s"] = round(fill(database, rows), 1)
        found |= await measure_reads(data_dir, times)
        found["bytes_per_step"] = await bytes_per_step(200)
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--keep", type=Path, help="use the database in this directory, and leave it there")
    options = parser.parse_args()
    for name, figure in asyncio.run(measure(options.rows, folder=options.keep)).items():
        print(f"{name:36} {figure:>10g}")


if __name__ == "__main__":
    main()
