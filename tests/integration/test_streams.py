"""Streams over real connections to a real service: nothing is missed or repeated, and nobody is held up."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest
from support import plain_http
from support.runtime import bench, for_ever
from support.sse import stream

from flowrun.api import event_stream
from flowrun.api.app import create_app
from flowrun.api.serving import serve
from flowrun.bus import OPERATOR, Scope
from flowrun.commands.create_key import CreateKey
from flowrun.coordinator.feed import MOST_PER_PRINCIPAL
from flowrun.domain.node_type import Failed
from flowrun.queries.get_stats import GetStats, GetTenantStats

ALL = "/api/v1/stream"


class World:
    """A service with its engine in this process, and clients of its real sockets."""

    def __init__(self, bench, port, path, clients):
        self.bench, self.port, self.path, self._clients = bench, port, path, clients
        self.feed = bench.runtime.context.feed

    async def operator(self):
        transport = httpx2.AsyncHTTPTransport(
            uds=str(self.path), limits=httpx2.Limits(max_connections=None), verify=False
        )
        return await self._clients.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://flowrun", timeout=20)
        )

    async def key(self, tenant="acme"):
        made = await self.bench.send(CreateKey(tenant_id=tenant, name="k", scopes=(Scope.READ, Scope.ADMIN)))
        headers = {"authorization": f"Bearer {made['key']}"}
        client = plain_http.async_client(f"http://127.0.0.1:{self.port}", headers=headers, timeout=20)
        client.key_id = made["id"]
        return await self._clients.enter_async_context(client)

    async def run(self, **more):
        eid = await self.bench.start(**more)
        await self.bench.end(eid)
        return eid

    async def burst(self, count, **more):
        return await asyncio.gather(*(self.run(**more) for _ in range(count)))

    async def alone(self):
        """Return when no stream is open."""
        async with asyncio.timeout(10):
            while self.feed.streams:  # noqa: ASYNC110 - a count, with no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(tmp_path, **settings):
    stop, ports, path = asyncio.Event(), asyncio.Queue(), tmp_path / "s"
    async with bench(tmp_path / "data", **settings) as one, AsyncExitStack() as clients:
        app = create_app(one.runtime.mediator, one.runtime.context, one.runtime.settings)
        task = asyncio.create_task(
            serve(
                app,
                host="127.0.0.1",
                port=0,
                socket_path=path,
                stop=stop,
                started=ports.put_nowait,
                stopping=one.runtime.end_waits,
            )
        )
        try:
            yield World(one, await asyncio.wait_for(ports.get(), 5), path, clients)
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)


@pytest.fixture
async def world(tmp_path):
    async with serving(tmp_path) as world:
        await world.bench.save("t -> a -> b")
        yield world


def ends_of(events):
    """By execution: how often it was said to have ended."""
    return [event.data["id"] for event in events if event.name == "execution" and event.data["finished_at"]]


async def test_a_thousand_executions_in_a_burst_all_arrive_at_their_end(world):
    client = await world.operator()
    async with stream(client, ALL) as one:
        assert (await one.next()).data["resumed"] is False
        running = asyncio.create_task(world.burst(1000))
        ended, numbers = set(), []
        while len(ended) < 1000:
            event = await one.next()
            assert event.name == "execution", event
            numbers.append(int(event.id.partition("-")[2]))
            if event.data["finished_at"]:
                assert event.data["nodes"] == {"total": 3, "done": 3, "failed": 0, "running": [], "failed_at": None}
                assert event.data["id"] not in ended, "an end is told once"
                ended.add(event.data["id"])
        assert ended == set(await running)
        assert numbers == sorted(set(numbers))


async def test_after_a_broken_connection_the_stream_goes_on_without_gap_or_repeat(world):
    client, told, last = await world.operator(), [], None
    started = []
    for _ in range(5):
        async with stream(client, ALL, last) as one:
            first = await one.next()
            assert (first.name, first.data["resumed"]) == ("ready", last is not None)
            assert last in {None, first.id}
            started += await world.burst(7)
            events = await one.until(lambda event: event.data.get("finished_at"))
            told += ends_of(events)
            last = events[-1].id
        started += await world.burst(7)
    async with stream(client, ALL, last, seconds=1) as one:
        assert (await one.next()).data["resumed"] is True
        told += ends_of(await one.rest())
    assert sorted(told) == sorted(started)


async def test_a_client_that_does_not_read_holds_nobody_up_and_is_told_to_load_anew(world, monkeypatch):
    monkeypatch.setattr(world.feed, "_capacity", 600)
    reader, writer = await asyncio.open_unix_connection(world.path, limit=64 << 20)
    writer.write(f"GET {ALL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b"event: ready")
    reader._transport.pause_reading()
    for number in range(600):  # More than every buffer on the way takes.
        world.feed.changed("workflow", "acme", f"{number}" + "x" * 16_000)
    await asyncio.sleep(event_stream.pace(0))
    began = time.monotonic()
    ended = await asyncio.wait_for(world.burst(300), 20)
    for number in range(700):
        world.feed.changed("workflow", "acme", f"later {number}")
    other = await world.operator()
    async with stream(other, ALL) as one:
        await one.next()
        started = await world.run()
        assert (await one.next()).data["id"] == started
    assert len(ended) == 300
    assert time.monotonic() - began < 15
    reader._transport.resume_reading()
    text = await asyncio.wait_for(reader.readuntil(b'event: resync\ndata: {"reason":"slow"}'), 10)
    assert b"later" not in text
    last = text.rpartition(b"id: ")[2].split()[0].decode()
    writer.close()
    async with stream(other, ALL, last) as one:
        assert (await one.next()).data["resumed"] is True


async def test_a_client_that_reads_nothing_for_long_is_given_up(world, monkeypatch):
    monkeypatch.setattr(event_stream, "_STUCK_SECONDS", 0.1)
    reader, writer = await asyncio.open_unix_connection(world.path, limit=64 << 20)
    writer.write(f"GET {ALL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b"event: ready")
    reader._transport.pause_reading()
    assert world.feed.streams == 1
    for number in range(600):
        world.feed.changed("workflow", "acme", f"{number}" + "x" * 16_000)
    await world.alone()
    writer.close()


async def test_a_tenants_key_sees_its_own_and_nothing_else(world):
    await world.bench.save("t -> a", tenant="globex")
    acme, globex = await world.key("acme"), await world.key("globex")
    async with stream(acme, ALL, seconds=1.5) as one, stream(globex, ALL, seconds=1.5) as other:
        await one.next()
        await other.next()
        mine, theirs = await world.burst(5), await world.burst(5, tenant="globex")
        assert set(ends_of(await one.rest())) == set(mine)
        assert set(ends_of(await other.rest())) == set(theirs)
    assert (await acme.get(ALL, params={"tenant": "globex"})).status_code == 404
    for base in ("globex", "acme"):
        answer = await acme.get(f"/api/v1/tenants/{base}/executions/{theirs[0]}/stream")
        assert answer.status_code == 404
    assert (await acme.get("/api/v1/stats")).status_code == 403
    assert (await acme.get("/metrics")).status_code == 403
    assert (await acme.get("/api/v1/executions")).status_code == 403


async def test_filters(world):
    await world.bench.save("t -> a", tenant="globex")
    await world.bench.save("t -> x", workflow="other")
    world.bench.step.plays["x"] = lambda _job: _failing()
    client = await world.operator()
    async with (
        stream(client, ALL, tenant="globex", seconds=1.5) as of_globex,
        stream(client, ALL, workflow="w", seconds=1.5) as of_w,
        stream(client, ALL, status="failed,cancelled", seconds=1.5) as failed,
    ):
        for one in (of_globex, of_w, failed):
            await one.next()
        first, second = await world.run(), await world.run(tenant="globex")
        third = await world.run(workflow="other")
        assert ends_of(await of_globex.rest()) == [second]
        assert ends_of(await of_w.rest()) == [first, second]
        (event, _end) = await failed.rest()
    assert (event.data["id"], event.data["nodes"]["failed_at"]) == (third, "x")
    assert (await client.get(ALL, params={"tenant": "nobody"})).status_code == 404
    assert (await client.get(ALL, params={"status": "lost"})).status_code == 422


async def _failing():
    return Failed("boom", "no", retryable=False)


async def test_whatever_is_defined_is_told_of(world):
    client = await world.operator()
    async with stream(client, ALL) as one, stream(client, ALL, workflow="w", seconds=1) as of_w:
        await one.next()
        await of_w.next()
        await world.bench.save("t -> a -> c")
        for method, path, body in (
            ("POST", "/tenants", {"id": "globex"}),
            ("PUT", "/tenants/acme/limits", {"running_executions": 5}),
            ("POST", "/tenants/acme/workflows/w/archive", {}),
            ("POST", "/tenants/acme/keys", {"name": "k"}),
            ("PUT", "/tenants/acme/secrets/TOKEN", {"value": "not told"}),
            ("DELETE", "/tenants/acme/secrets/TOKEN", None),
            ("DELETE", "/tenants/acme/workflows/w", None),
        ):
            answer = await client.request(method, f"/api/v1{path}", json=body)
            assert answer.is_success, answer.text
        missing = {("tenant", "globex"), *((kind, "acme") for kind in ("workflow", "tenant", "key", "secret"))}
        while missing:
            told = (await one.next()).data
            missing.discard((told["kind"], told["tenant_id"]))
            assert "not told" not in str(told)
        assert {event.data["kind"] for event in (await of_w.rest())[:-1]} == {"workflow"}


async def test_the_stream_of_an_execution_is_its_history(world):
    await world.bench.save(
        't -> loop; loop: for_each {"items": "{{ input }}"}; loop -each-> a; loop -done-> b', workflow="loop"
    )
    client, let_go = await world.operator(), asyncio.Event()

    async def hold(job):
        await let_go.wait()
        return await _completed(job)

    world.bench.step.plays["b"] = hold
    eid = await world.bench.start(list(range(40)), workflow="loop")
    path = f"/api/v1/tenants/acme/executions/{eid}"
    async with stream(client, path + "/stream") as live:
        await world.bench.step.begun("b")
        let_go.set()
        *events, end = await live.rest()
    history = (await client.get(path + "/history", params={"limit": 1000})).json()["items"]
    assert [event.data for event in events] == history
    assert [event.id for event in events] == [str(item["seq"]) for item in history]
    assert len(history) > 100
    assert (end.name, end.data) == ("end", {"reason": "finished", "status": "completed"})
    for after in (0, 1, 57, len(history) - 1, len(history), len(history) + 5):
        async with stream(client, path + "/stream", str(after)) as again:
            *events, _ = await again.rest()
        assert [event.data for event in events] == history[after:]
    async with stream(client, path + "/stream", after=len(history) - 2) as again:
        assert len(await again.rest()) == 3
    assert (await client.get(path + "/stream", headers={"last-event-id": "3-1"})).status_code == 422


async def _completed(job):
    from flowrun.domain.node_type import Completed  # noqa: PLC0415

    return Completed(job.input)


async def test_a_place_is_free_again_when_its_client_has_gone(world):
    world.bench.step.plays["a"] = for_ever
    eid = await world.bench.start()
    client = await world.operator()
    of_one = f"/api/v1/tenants/acme/executions/{eid}/stream"
    async with AsyncExitStack() as streams:
        opened = []
        for number in range(MOST_PER_PRINCIPAL):
            opened.append(await streams.enter_async_context(stream(client, ALL if number % 2 else of_one)))
            await opened[-1].next()
        answer = await client.get(ALL)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert (await client.get(of_one)).status_code == 429
    await world.alone()
    answer = await client.head(ALL)
    assert (answer.status_code, answer.content) == (200, b"")
    await world.alone()
    assert (await client.get(ALL, params={"seconds": "x"})).status_code == 422
    assert (await client.get(f"/api/v1/tenants/acme/executions/{'0' * 36}/stream")).status_code == 404
    assert world.feed.streams == 0


async def test_a_silent_stream_says_that_it_lives_and_how_far_it_is(world, monkeypatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
    async with stream(await world.operator(), ALL, status="failed", seconds=0.5) as one:
        position = (await one.next()).id
        await world.run()
        assert [event.name for event in await one.rest()] == ["end"]
        assert one.last_id not in {None, position}
        assert one.last_id == f"{world.feed.epoch}-{world.feed.number}"


async def test_a_revoked_key_loses_its_stream(world, monkeypatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
    client, operator = await world.key(), await world.operator()
    async with stream(client, ALL) as one, stream(operator, ALL) as other:
        await one.next()
        await other.next()
        answer = await client.delete(f"/api/v1/tenants/acme/keys/{client.key_id}")
        assert answer.status_code == 204
        *_, end = await one.rest()
        assert end.data == {"reason": "revoked"}
        assert (await other.next()).data == {"kind": "key", "tenant_id": "acme", "id": client.key_id}


async def test_stopping_ends_every_stream_at_once(tmp_path):
    async with serving(tmp_path) as world:
        await world.bench.save("t -> a")
        world.bench.step.plays["a"] = for_ever
        eid = await world.bench.start()
        client = await world.operator()
        async with (
            stream(client, ALL) as one,
            stream(client, f"/api/v1/tenants/acme/executions/{eid}/stream") as other,
        ):
            await one.next()
            await other.next()
            began = time.monotonic()
            world.bench.runtime.end_waits()
            for each in (one, other):
                assert (await each.rest())[-1].data == {"reason": "stopping"}
            assert time.monotonic() - began < 1
        assert (await client.get(ALL)).status_code == 503


async def test_another_process_is_another_epoch(tmp_path):
    positions = []
    for _ in range(2):
        async with serving(tmp_path) as world:
            async with stream(await world.operator(), ALL, *positions, seconds=0.1) as one:
                first = await one.next()
            positions = [first.id]
    assert (first.name, first.data["reason"], first.data["epoch"]) == ("resync", "epoch", 2)


async def test_what_is_counted_survives_a_restart(tmp_path):
    async with bench(tmp_path) as one:
        await one.save('t -> wait; wait: delay {"for": "1h"}')
        await one.save("t -> a", workflow="done")
        for _ in range(3):
            await one.start()
            await one.end(await one.start(workflow="done"))
        before = await stats(one)
        assert before["executions"]["waiting"] == 3
        assert before["last_hour"] == {"started": 6, "completed": 3, "failed": 0, "cancelled": 0}
        assert before["workers"]["webhook"]["run"]["p50"] is not None
        assert before["writer"]["commit"]["p99"] > 0
        assert before["timers"] == {"within_minute": 0}
    async with bench(tmp_path) as one:
        async with asyncio.timeout(10):
            while (after := await stats(one))["last_hour"] != before["last_hour"]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert after["executions"] == before["executions"]
        of_acme = await one.runtime.mediator.send(GetTenantStats(tenant_id="acme"), OPERATOR)
        counted = {each["workflow_id"]: each["last_hour"]["completed"] for each in of_acme["workflows"]}
        assert counted == {"w": 0, "done": 3}


async def stats(one):
    return await one.runtime.mediator.send(GetStats(), OPERATOR)


async def test_metrics_are_prometheus_text(world):
    await world.burst(3)
    answer = await (await world.operator()).get("/metrics")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'flowrun_executions_completed_total{tenant="acme"} 3' in lines
    assert 'flowrun_node_runs_total{tenant="acme"} 9' in lines
    samples = [line for line in lines if not line.startswith("#")]
    assert all(float(line.rpartition(" ")[2]) >= 0 for line in samples)
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples)


def test_bursts_are_fewer_in_a_flood():
    assert [event_stream.pace(changes) for changes in (0, 60, 10_000)] == [0.125, 0.25, 0.5]
