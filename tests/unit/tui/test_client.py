"""The dashboard's way to a service elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.certificate import self_signed, server_context

from tui.client import Client, UnreachableError
from tui.place import Place

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def service(certificate):
    """A service behind TLS: gives its address, and the heads of the requests that it has got."""
    heads = []

    async def serve(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HEAD + b'{"items":1}')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(certificate))
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


@asynccontextmanager
async def client(url):
    made = Client(Place(url=url, key="fr_key"))
    try:
        yield made
    finally:
        await made.close()


async def test_certificates_that_the_environment_names_are_trusted_and_no_others(tmp_path, monkeypatch):
    _, certificate = self_signed(tmp_path)
    async with service(certificate) as (url, heads):
        async with client(url) as one:
            with pytest.raises(UnreachableError, match="certificate verify failed"):
                await one.get("/api/v1/executions")
        assert heads == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with client(url) as one:
            assert await one.get("/api/v1/executions") == {"items": 1}
        assert b"authorization: Bearer fr_key" in heads[0].replace(b"Authorization", b"authorization")
