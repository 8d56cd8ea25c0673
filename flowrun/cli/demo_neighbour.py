"""The server that the demo's workflow calls: two endpoints on this machine, each taking a moment."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from flowrun.errors import UnavailableError

TAKES_SECONDS = 0.12
"""Long enough to see that two calls run at the same time."""
_LONGEST_BODY = 1 << 20


class Neighbour:
    """Answers `POST /checks` and `POST /deployments` while it is entered."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """Where it listens. Raises `UnavailableError` before it does."""
        if self._server is None:
            raise UnavailableError("The demo's own server isn't running")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path, body = await _request(reader)
            await asyncio.sleep(TAKES_SECONDS)
            status, document = _answer(path, body)
            content = json.dumps(document).encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + content)
            await writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return  # whoever asked has gone, or doesn't speak HTTP
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = min(int(headers.get("content-length", 0)), _LONGEST_BODY)
    body = await reader.readexactly(length)
    return head[0].split(" ")[1], json.loads(body or b"{}")


def _answer(path: str, body: Any) -> tuple[str, dict[str, object]]:  # noqa: ANN401 - any JSON
    if path == "/checks":
        return "200 OK", {"check": 4711, "state": "passed", "files": len(body.get("files", []))}
    if path == "/deployments":
        return "201 Created", {"id": 42, "environment": body.get("environment"), "state": "in progress"}
    return "404 Not Found", {"error": f"there is no {path}"}
