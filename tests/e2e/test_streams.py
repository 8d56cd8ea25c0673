"""Streams of the real process: its end, its death, and what follows it on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import httpx2
import pytest
from e2e.client import Api, until
from support.service import Service
from support.sse import stream

SLOW = {
    "id": "slow",
    "status": "published",
    "nodes": [{"id": "in", "type": "manual"}, {"id": "rest", "type": "delay", "params": {"for": "1500ms"}}],
    "edges": [{"source": "in", "target": "rest"}],
}
ALL = "/api/v1/stream"


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path / "data", log_level="warning") as service:
        yield service


def client(service):
    transport = httpx2.AsyncHTTPTransport(uds=str(service.socket))
    return httpx2.AsyncClient(transport=transport, base_url="http://flowrun", timeout=20)


async def test_a_service_that_is_told_to_stop_ends_its_streams_and_does_not_wait_for_their_clients(service):
    with service.operator() as operator:
        api = Api(operator)
        api.save(SLOW | {"nodes": [SLOW["nodes"][0], {"id": "rest", "type": "delay", "params": {"for": "1h"}}]})
        execution = api.start("slow")
        api.reaches(execution, "waiting")
    async with client(service) as http:
        async with (
            stream(http, ALL) as everything,
            stream(http, f"/api/v1/tenants/default/executions/{execution}/stream") as one,
            stream(http, ALL),  # Its client doesn't read.
        ):
            first = await everything.next()
            began = time.monotonic()
            service.process.terminate()
            assert (await everything.rest())[-1].data == {"reason": "stopping"}
            assert (await one.rest())[-1].data == {"reason": "stopping"}
        assert service.process.wait(20) == 0
        assert time.monotonic() - began < 8
    service.start()
    async with client(service) as http, stream(http, ALL, first.id) as again:
        assert (await again.next()).data["reason"] == "epoch"


def test_watch_prints_every_event_once_whatever_becomes_of_the_service(service):
    with service.operator() as operator:
        api = Api(operator)
        api.save(SLOW)
        execution = api.start("slow")
        command = [sys.executable, "-m", "flowrun", "executions", "watch", execution, "-o", "json"]
        with subprocess.Popen(command, env=service.env, stdout=subprocess.PIPE, text=True) as watch:
            lines = [watch.stdout.readline()]
            service.kill()
            service.start()
            lines += watch.stdout.readlines()
            assert watch.wait(20) == 0
    with service.operator() as operator:
        assert [json.loads(line) for line in lines] == Api(operator).history(execution)


def test_what_is_counted_is_what_the_lists_show(service):
    with service.operator() as operator:
        api = Api(operator)
        api.save(SLOW)
        started = {api.start("slow") for _ in range(10)}

        def live():
            return operator.get("/api/v1/stats").json()["executions"]

        assert sum(live().values()) == len(api.ask("GET", "/executions", params={"status": "running,waiting"})["items"])
        until("they have ended", lambda: not any(live().values()))
        listed = operator.get("/api/v1/executions", params={"status": "completed", "progress": True}).json()["items"]
        assert {item["id"] for item in listed} == started
        assert {item["nodes"]["done"] for item in listed} == {2}
        found = api.ask("GET", "/stats")
        assert found["last_hour"]["completed"] == 10
        assert [(one["workflow_id"], one["last_hour"]["completed"]) for one in found["workflows"]] == [("slow", 10)]
        assert operator.get("/metrics").is_success
