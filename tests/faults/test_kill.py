"""A real server is killed at random moments under load; nothing that it accepted may be lost or done twice."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx2
import orjson
import pytest
from support import plain_http
from support.invariants import check_database
from support.service import Service
from support.stand_in import Call, StandIn

from flowrun.workers.suspects import SUSPECT_LOST

KILLS = int(os.environ.get("TEST_KILLS", "25"))
"""The long form kills 1,000 times: `make long`."""
CLIENTS = 8
SEED = int(os.environ.get("TEST_SEED", "20261122"))
WORKER_PLACES = 64
"""How many calls the webhook worker has in flight at most."""

WORKFLOW = """
id: order
name: Order
nodes:
  - {id: in, type: webhook, params: {path: order, auth: none}}
  - {id: price, type: transform, params: {set: {total: "{{ input.price * 2 }}"}}}
  - {id: big, type: if, params: {condition: input.total > 100}}
  - {id: stock, type: http, params: {method: POST, url: "{{ vars.api }}/stock", body: "{{ input }}"}, retry: {max_attempts: 10, initial_interval: 50ms, max_interval: 200ms}}
  - {id: fraud, type: http, params: {method: POST, url: "{{ vars.api }}/fraud", body: "{{ input }}"}, retry: {max_attempts: 10, initial_interval: 50ms, max_interval: 200ms}}
  - {id: both, type: merge}
  - {id: pause, type: delay, params: {for: 80ms}}
  - {id: ship, type: http, params: {method: POST, url: "{{ vars.api }}/ship", body: {n: "{{ trigger.body.n }}"}}, retry: {max_attempts: 10, initial_interval: 50ms, max_interval: 200ms}}
edges:
  - {source: in, target: price}
  - {source: price, target: big}
  - {source: big, target: stock}
  - {source: big, target: fraud, source_handle: "true"}
  - {source: stock, target: both}
  - {source: fraud, target: both}
  - {source: both, target: pause}
  - {source: pause, target: ship}
"""  # noqa: E501 - one node a line reads better


def answer(call: Call) -> tuple[int, object, float]:
    """A service with a varying mind: mostly quick, now and then slow or failing."""
    dice = random.random()  # noqa: S311 - no secret
    return (503 if dice < 0.05 else 200), {"path": call.path}, (0.1 if dice > 0.9 else 0.002)


class Load:
    """Clients that post until they are told to stop, each repeating a delivery until it is accepted."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: dict[str, str] = {}
        """Execution ids by idempotency key."""
        self.stop = asyncio.Event()
        self._count = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._client())

    async def _client(self) -> None:
        async with plain_http.async_client(self.url, timeout=5) as client:
            while not self.stop.is_set():
                self._count += 1
                key = f"k{self._count}"
                await self._deliver(client, key, {"n": self._count, "price": self._count % 100})
                await asyncio.sleep(0.01)  # Work in the background of which something is always half done.

    async def _deliver(self, client: httpx2.AsyncClient, key: str, body: object) -> None:
        while True:
            try:
                reply = await client.post("/webhooks/default/order", json=body, headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if reply.status_code == 202:
                (self.accepted[key],) = reply.json()["execution_ids"]
                return
            assert reply.status_code == 503, reply.text
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_killed_at_random_moments_it_loses_nothing_and_repeats_no_finished_node(tmp_path: Path) -> None:
    dice = random.Random(SEED)  # noqa: S311 - no secret
    with StandIn(answer) as stand_in:
        service = Service(tmp_path / "data", http_allow="127.0.0.1", log_level="warning")
        service.start()
        file = tmp_path / "order.yaml"
        file.write_text(WORKFLOW + f"variables: {{api: '{stand_in.url}'}}\n")
        service.flowrun("apply", str(file))
        load = Load(service.url)
        running = asyncio.create_task(load.run())
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.05, 0.8))
            await asyncio.to_thread(until_nobody_is_suspected, service)
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.start)
        load.stop.set()
        await running
        await asyncio.to_thread(all_ended, service)
        assert service.stop() == 0

    assert len(load.accepted) > KILLS, "the load was too small to prove anything"
    database = service.data_dir / "flowrun.db"
    check_database(database)
    each_accepted_delivery_has_one_completed_execution(database, load.accepted)
    no_call_began_after_its_result_was_there(database, stand_in.calls)
    extra = sum(count - 1 for count in Counter(call.key for call in stand_in.calls).values())
    failed = retried_attempts(database)
    assert extra - failed <= KILLS * WORKER_PLACES


def until_nobody_is_suspected(service: Service) -> None:
    """Wait until every attempt has ended that so many kills have hit as make it suspect.

    At the fifth it would be given up, as promised. At random moments a few of a thousand come to that, and are no loss.
    """
    count = f"SELECT count(*) FROM jobs WHERE lost >= {SUSPECT_LOST}"  # noqa: S608 - a number of our own
    wait_for_none(service, count, "suspect attempts never ended")


def all_ended(service: Service) -> None:
    """Wait until no execution is under way."""
    wait_for_none(service, "SELECT count(*) FROM executions WHERE finished_at IS NULL", "executions never ended")


def wait_for_none(service: Service, count: str, complaint: str) -> None:
    """Wait until a query counts nothing."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with closing(sqlite3.connect(f"file:{service.data_dir / 'flowrun.db'}?mode=ro", uri=True)) as db:
            (left,) = db.execute(count).fetchone()
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"{left} {complaint}")


def each_accepted_delivery_has_one_completed_execution(database: Path, accepted: dict[str, str]) -> None:
    with closing(sqlite3.connect(database)) as db:
        rows = dict(db.execute("SELECT id, status FROM executions"))
        errors = db.execute("SELECT data FROM execution_events WHERE type = 'ExecutionFailed'").fetchall()
    assert len(set(accepted.values())) == len(accepted)
    assert set(rows) == set(accepted.values())
    assert Counter(rows.values()) == {"completed": len(accepted)}, errors[:3]


def no_call_began_after_its_result_was_there(database: Path, calls: list[Call]) -> None:
    with closing(sqlite3.connect(database)) as db:
        found = db.execute(
            "SELECT execution_id || ':' || node_id || ':' || iteration, at FROM execution_events"
            " WHERE type = 'NodeCompleted'"
        )
        completed = dict(found.fetchall())
    # The stored time is cut to whole milliseconds.
    late = [call for call in calls if call.began_at * 1000 > completed[call.key] + 1]
    assert not late


def retried_attempts(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT data FROM execution_events WHERE type = 'NodeRetrying'").fetchall()
    return sum(orjson.loads(data)["error"]["type"] != "worker_lost" for (data,) in rows)
