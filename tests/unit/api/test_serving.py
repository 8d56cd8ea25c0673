"""Serving with hypercorn on TCP and on the unix socket."""

from __future__ import annotations

import asyncio
import socket
import stat
import time
from contextlib import asynccontextmanager

import httpx2
import pytest

from flowrun.api import serving
from flowrun.api.serving import serve
from flowrun.errors import ConfigurationError


async def app(scope, receive, send):
    """Says whether it is local; `/slow` never ends by itself."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    if scope["path"] == "/slow":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(60)
    body = str(scope["state"]["flowrun_local"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(path, **more):
    stop, ports = asyncio.Event(), asyncio.Queue()
    task = asyncio.create_task(
        serve(app, host="127.0.0.1", port=0, socket_path=path, stop=stop, started=ports.put_nowait, **more)
    )
    try:
        yield await asyncio.wait_for(ports.get(), 5)
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def test_only_the_socket_is_local(tmp_path):
    path = tmp_path / "s"
    async with served(path) as port:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with httpx2.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "False"
        async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(path))) as client:
            assert (await client.get("http://x/")).text == "True"
    assert not path.exists()


async def test_a_dead_socket_file_is_replaced(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with served(path), httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(path))) as client:
        assert (await client.get("http://x/")).text == "True"


async def test_a_request_that_does_not_end_is_cancelled_at_the_stop(tmp_path):
    begun = time.monotonic()
    async with served(tmp_path / "s", grace=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        while b"begun" not in await reader.readline():
            pass
    assert time.monotonic() - begun < 4
    writer.close()


async def test_a_port_in_use_is_said_so(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .* in use"):
            await serve(app, host="127.0.0.1", port=port, socket_path=tmp_path / "s", stop=asyncio.Event())
    assert not (tmp_path / "s").exists()


async def test_a_socket_path_that_is_too_long_is_said_so(tmp_path):
    with pytest.raises(ConfigurationError, match="Cannot make the socket"):
        await serve(app, host="127.0.0.1", port=0, socket_path=tmp_path / ("s" * 200), stop=asyncio.Event())


async def test_connections_beyond_the_limit_are_told_so_and_the_operator_is_not_held_up(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(serving, "most_connections", lambda: 3)
    path = tmp_path / "s"
    async with served(path) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = await asyncio.wait_for(reader.read(), 5)
            assert said.startswith(b"HTTP/1.1 503 ")
            head, body = said.split(b"\r\n\r\n")
            assert b"content-length: %d\r\n" % len(body) in head
            writer.close()
        async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(path))) as client:
            assert (await client.get("http://x/")).text == "True"
        assert [record.message for record in caplog.records if "more are refused" in record.message] == [
            "3 connections are open: more are refused with 503. `ulimit -n` allows more"
        ]
        idle.pop()[1].close()
        async with asyncio.timeout(5), httpx2.AsyncClient() as client:
            while (await client.get(f"http://127.0.0.1:{port}/")).status_code != 200:
                pass
        for _, writer in idle:
            writer.close()
