"""A real server is killed while an agent waits for a workflow that it has called: that one is started once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.invariants import check_database
from support.service import Service

from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.agent.stub.server import LlmStub

KILLS = 3
AGENT = """
id: assistant
nodes:
  - {id: in, type: manual}
  - id: agent
    type: agent
    params:
      model: stub
      base_url: URL
      prompt: Ship it.
      tools:
        - {type: workflow, name: ship, description: Ships an order., workflow_id: ship, timeout: 10m}
edges: [in -> agent]
"""
SHIP = """
id: ship
nodes:
  - {id: in, type: manual}
  - {id: rest, type: delay, params: {for: 1h}}
  - {id: sent, type: transform, params: {value: {sent: true}}}
edges: [in -> rest, rest -> sent]
"""


def rows(service: Service, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{service.data_dir / 'flowrun.db'}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


async def until_asked(llm: LlmStub, times: int) -> None:
    """Return when the model has been asked so often; each time it calls the workflow."""
    for _ in range(1500):
        if len(llm.seen) >= times and llm.seen[times - 1].status:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the model was asked {len(llm.seen)} times, not {times}")


async def until_logged(service: Service, text: str, times: int) -> None:
    """Return when the agent's log has that text so often."""
    for _ in range(1500):
        if str(rows(service, "SELECT lines FROM node_logs WHERE node_id = 'agent'")).count(text) >= times:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{text!r} was not logged {times} times")


@pytest.mark.slow
async def test_a_called_workflow_is_started_once_however_often_the_process_is_killed(tmp_path: Path) -> None:
    call = {"tool_calls": [{"name": "ship", "arguments": {"order": 7}}], "times": KILLS + 1}
    service = Service(tmp_path / "data", http_allow="127.0.0.1", log_level="warning")
    async with LlmStub(Script.of([call, {"text": "It is on its way."}])) as llm:
        await asyncio.to_thread(service.start)
        for name, text in (("ship", SHIP), ("agent", AGENT.replace("URL", llm.url))):
            (tmp_path / f"{name}.yaml").write_text(text)
            await asyncio.to_thread(service.flowrun, "apply", str(tmp_path / f"{name}.yaml"))
        execution = (await asyncio.to_thread(start, service))["execution_id"]
        for number in range(1, KILLS + 1):
            await until_asked(llm, number)
            if number > 1:  # The first kill may come before the workflow was started, or right after.
                await until_logged(service, "is waited for", number - 1)
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.start)
        await until_logged(service, "is waited for", KILLS)
        ended = await asyncio.to_thread(end_of, service, execution)
    assert (ended["status"], ended["output"]["text"]) == ("completed", "It is on its way.")
    assert ended["output"]["tool_calls"][0]["result"] == '{"sent":true}'
    assert len(rows(service, "SELECT id FROM executions WHERE workflow_id = 'ship'")) == 1
    assert service.stop() == 0
    check_database(service.data_dir / "flowrun.db")


def start(service: Service) -> Any:
    with service.operator() as client:
        return client.post("/api/v1/tenants/default/workflows/assistant/executions", json={}).json()


def end_of(service: Service, execution: str) -> Any:
    """Let the called workflow end, and give the agent's execution when that has."""
    ((called,),) = rows(service, "SELECT id FROM executions WHERE workflow_id = 'ship'")
    with service.operator() as client:
        executions = "/api/v1/tenants/default/executions"
        client.post(f"{executions}/{called}/nodes/rest/skip", json={}).raise_for_status()
        for _ in range(1500):
            document = client.get(f"{executions}/{execution}").json()
            if document["finished_at"] is not None:
                return document
            time.sleep(0.02)
    raise AssertionError("the agent never ends")
