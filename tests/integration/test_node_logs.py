"""What nodes log, on the real runtime: read while they run, afterwards, and after a restart."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from support.recording_server import RecordingServer, response
from support.runtime import PATIENCE, bench, rows

from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.set_secret import SetSecret
from flowrun.domain.node_type import Completed, Failed
from flowrun.errors import InvalidInputError, NotFoundError
from flowrun.queries.get_node_log import GetNodeLog
from flowrun.queries.get_node_run import GetNodeRun
from flowrun.queries.list_node_runs import ListNodeRuns

pytestmark = pytest.mark.anyio

PASSWORD = "correct-horse-battery"


async def log(b, execution_id, node="a", **more):
    asked = {"tenant_id": "acme", "execution_id": execution_id, "node_id": node} | more
    return await b.send(GetNodeLog(**asked))


async def texts(b, execution_id, node="a", **more):
    return [line["text"] for line in (await log(b, execution_id, node, **more))["items"]]


async def until_logged(b, execution_id, count, node="a"):
    for _ in range(int(PATIENCE / 0.02)):
        if len(found := await texts(b, execution_id, node)) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"only {found} were logged")


async def nodes(b, *row, workflow="w"):
    """Save a row of nodes behind a trigger."""
    row = [{"id": "t", "type": "manual"}, *row]
    edges = [{"source": one["id"], "target": other["id"]} for one, other in pairwise(row)]
    await b.send(SaveWorkflow(tenant_id="acme", document={"id": workflow, "nodes": row, "edges": edges}))


async def test_lines_are_read_while_the_node_runs_and_after_a_restart(tmp_path):
    end = asyncio.Event()

    async def play(job):
        job.log("begun")
        job.log("half way")
        await end.wait()
        job.log("done")
        return Completed(1)

    async with bench(tmp_path) as b:
        b.step.plays["a"] = play
        await b.save("t -> a -> b")
        execution_id = await b.start()
        assert await until_logged(b, execution_id, 2) == ["begun", "half way"]
        run = await b.send(GetNodeRun(tenant_id="acme", execution_id=execution_id, node_id="a"))
        assert (run["status"] in {"queued", "running"}, run["progress"]) == (True, "half way")
        listed = await b.send(ListNodeRuns(tenant_id="acme", execution_id=execution_id))
        assert [one["progress"] for one in listed["items"]] == [None, "half way", None]
        end.set()
        assert (await b.end(execution_id)).status == "completed"
        assert await texts(b, execution_id) == ["begun", "half way", "done"]
    async with bench(tmp_path) as b:
        found = await log(b, execution_id)
        assert [(line["seq"], line["attempt"], line["text"]) for line in found["items"]] == [
            (1, 1, "begun"),
            (2, 1, "half way"),
            (3, 1, "done"),
        ]
        assert found["items"][0]["at"].endswith("Z")
        run = await b.send(GetNodeRun(tenant_id="acme", execution_id=execution_id, node_id="a"))
        assert run["progress"] is None, "it has ended"
        assert await texts(b, execution_id, "b") == []


async def test_attempts_pages_and_places_of_a_loop(tmp_path):
    async def play(job):
        for number in range(5):
            job.log(f"{job.attempt}.{number}")
        return Failed("again", "again", retryable=True) if job.attempt == 1 else Completed(None)

    async with bench(tmp_path) as b:
        b.step.plays["a"] = play
        await b.send(CreateTenant(id="acme"))
        retry = {"max_attempts": 2, "initial_interval": 0.01}
        items = {"id": "each", "type": "for_each", "params": {"items": "[1, 2]"}}
        document = {
            "id": "w",
            "nodes": [{"id": "t", "type": "manual"}, items, {"id": "a", "type": "step", "retry": retry}],
            "edges": [{"source": "t", "target": "each"}, {"source": "each", "target": "a", "source_handle": "each"}],
        }
        await b.send(SaveWorkflow(tenant_id="acme", document=document))
        execution_id = await b.start()
        assert (await b.end(execution_id)).status == "completed"
        assert await texts(b, execution_id) == [], "outside the loop it has not run"
        assert await texts(b, execution_id, iteration="1", attempt=2) == [f"2.{number}" for number in range(5)]
        page = await log(b, execution_id, iteration="0", limit=4)
        assert ([line["text"] for line in page["items"]], page["next"]) == (["1.0", "1.1", "1.2", "1.3"], 4)
        rest = await log(b, execution_id, iteration="0", after=4, limit=6)
        assert ([line["seq"] for line in rest["items"]], rest["next"]) == ([5, 6, 7, 8, 9, 10], None)
        assert (await log(b, execution_id, iteration="0", after=10))["items"] == []
        for wrong in ({"node": "nobody"}, {"tenant_id": "rival"}):
            with pytest.raises(NotFoundError):
                await log(b, execution_id, **wrong)
        with pytest.raises(InvalidInputError):
            await log(b, execution_id, limit=1001)


async def test_a_log_is_lost_with_its_process_up_to_the_last_write_and_no_further(tmp_path):
    async def play(job):
        job.log(f"attempt of process {job.attempt}")
        await asyncio.Event().wait()

    async with bench(tmp_path) as b:
        b.step.plays["a"] = play
        await b.save("t -> a")
        execution_id = await b.start()
        await until_logged(b, execution_id, 1)
    async with bench(tmp_path) as b:
        b.step.plays["a"] = play
        await until_logged(b, execution_id, 2)
    assert [row["seq"] for row in rows(tmp_path, "SELECT seq FROM node_logs ORDER BY seq")] == [1, 2]


async def test_code_prints_into_its_log_without_the_secrets_it_was_given(tmp_path):
    async with bench(tmp_path) as b:
        await b.send(CreateTenant(id="acme"))
        await b.send(SetSecret(tenant_id="acme", name="PASSWORD", value=PASSWORD))
        source = "print('hello')\nprint('with', password)\nprint(password[:9], end='')\nprint(password[9:])\nreturn 1"
        params = {"source": source, "inputs": {"password": "{{ secrets.PASSWORD }}"}}
        await nodes(b, {"id": "a", "type": "code", "params": params})
        execution_id = await b.start()
        assert (await b.end(execution_id)).status == "completed"
        assert await texts(b, execution_id) == ["hello", "with ***", "***"]
    assert PASSWORD not in str(rows(tmp_path, "SELECT lines FROM node_logs"))


async def test_prints_can_be_read_while_the_code_runs(tmp_path):
    async with bench(tmp_path) as b:
        await b.send(CreateTenant(id="acme"))
        source = "import time\nprint('one')\nprint('tw', end='')\ntime.sleep(30)"
        await nodes(b, {"id": "a", "type": "code", "params": {"source": source, "timeout": 60}})
        execution_id = await b.start()
        assert await until_logged(b, execution_id, 1) == ["one"]
    async with bench(tmp_path) as b:
        assert (await texts(b, execution_id))[:2] == ["one", "tw"], "the rest of the line came with the end"


async def test_pages_are_counted(tmp_path):
    async with RecordingServer() as server, bench(tmp_path, http_allow=("127.0.0.1",)) as b:
        await b.send(CreateTenant(id="acme"))
        server.answers["/list"] = response(200, b"[1, 2]", "application/json")
        pagination = {"type": "page", "param": "p", "max_pages": 3}
        params = {"url": f"{server.url}/list", "pagination": pagination}
        await nodes(b, {"id": "a", "type": "http", "params": params})
        execution_id = await b.start()
        ending = await b.end(execution_id)
        assert ending.status == "completed", ending.error
        found = await texts(b, execution_id)
        assert found == ["Page 1: 2 items, 2 in all", "Page 2: 2 items, 4 in all", "Page 3: 2 items, 6 in all"]
