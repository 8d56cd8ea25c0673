"""A process dies with a crowd of executions in flight: the next one serves at once, and all of them finish."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.client import until
from faults import promises
from support.service import Service
from support.stand_in import StandIn

from benchmarks.fill import deliver
from benchmarks.service import memory_mb, wait_for

IN_FLIGHT = int(os.environ.get("TEST_IN_FLIGHT", "300"))
"""The long form has 100,000: `make long`."""
PATIENCE = 30.0
"""Seconds in which at least one execution must end."""
WORKER_PLACES = 64
_DELIVERIES_PER_S = 1_000
"""About; what sleeps comes due, all at once, when the others have been delivered or a little before or after it."""

CALL = """{{id: call, type: http, timeout: 1h,
     params: {{method: POST, url: '{url}/call', body: {{n: 1}}, timeout: 1h}}}}"""
WORKFLOW = """
id: {name}
name: {name}
nodes:
  - {{id: in, type: webhook, params: {{path: {name}, auth: none}}}}
  - {call}
{more}
"""
NAP = """  - {id: nap, type: delay, params: {until: "{{ input.until }}"}}
edges: [in -> nap, nap -> call]
"""


def bodies(count: int, until: float) -> Iterator[bytes]:
    for number in range(count):
        yield json.dumps({"order": number, "until": until, "note": "x" * 40}).encode()


def apply(service: Service, folder: Path, url: str) -> None:
    for name, more in (("work", "edges: [in -> call]"), ("sleep", NAP)):
        (folder / f"{name}.yaml").write_text(WORKFLOW.format(name=name, call=CALL.format(url=url), more=more))
        service.flowrun("apply", str(folder / f"{name}.yaml"))


def left(database: Path) -> int:
    return int(promises.rows(database, "SELECT count(*) AS n FROM executions WHERE finished_at IS NULL")[0]["n"])


def until_all_have_ended(database: Path) -> None:
    before, since = left(database), time.monotonic()
    while before:
        assert time.monotonic() < since + PATIENCE, f"{before} executions stand still"
        time.sleep(0.2)
        if (now := left(database)) != before:
            before, since = now, time.monotonic()


async def fill(service: Service, database: Path) -> list[str]:
    """Three quarters are with a worker or wait for one, a quarter sleeps."""
    asleep = IN_FLIGHT // 4
    until = time.time() + 2 + IN_FLIGHT / _DELIVERIES_PER_S
    accepted = await deliver(service.port, "/webhooks/default/sleep", bodies(asleep, until))
    accepted += await deliver(service.port, "/webhooks/default/work", bodies(IN_FLIGHT - asleep, until))
    assert left(database) == IN_FLIGHT
    return accepted


@pytest.mark.slow
async def test_a_crowd_in_flight_at_a_kill_finishes_after_the_next_start(tmp_path: Path) -> None:
    settings = {"http_allow": "127.0.0.1", "log_level": "warning"}
    with StandIn() as neighbour, Service(tmp_path / "data", fresh=True, **settings) as service:
        database = service.data_dir / "flowrun.db"
        apply(service, tmp_path, neighbour.url)
        neighbour.hold("/call")
        accepted = await fill(service, database)
        until("every place is taken", lambda: len(neighbour.calls) >= WORKER_PLACES, PATIENCE)
        assert service.process is not None
        before = memory_mb(service.process.pid)
        service.kill()
        assert len(neighbour.calls) == WORKER_PLACES
        neighbour.release("/call")

        began = time.perf_counter()
        process = service.launch()
        wait_for(service.port, process)
        serving = time.perf_counter() - began
        accepted += await deliver(service.port, "/webhooks/default/work", bodies(1, 0), connections=1)
        taking = time.perf_counter() - began
        until_all_have_ended(database)
        ended, grown = time.perf_counter() - began, memory_mb(process.pid)
        assert service.stop() == 0
        print(f"\n{IN_FLIGHT} in flight: answers after {serving:.2f} s, takes work after {taking:.2f} s,")
        print(f"all ended after {ended:.1f} s, {grown:.0f} MB; {before:.0f} MB before the kill")

        found = promises.rows(database, "SELECT id, status FROM executions")
        assert sorted(row["id"] for row in found) == sorted(accepted)
        assert {row["status"] for row in found} == {"completed"}
        calls = Counter(call.key for call in neighbour.calls)
        assert len(calls) == len(accepted)
        assert calls.total() - len(calls) <= WORKER_PLACES
        promises.hold_history(database)
