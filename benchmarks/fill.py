"""Many webhook deliveries, as fast as a service accepts them: what is to be in a database before it is measured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from benchmarks.load import length_of


async def deliver(port: int, path: str, bodies: Iterable[bytes], connections: int = 32) -> list[str]:
    """Deliver each body (JSON) once over one of the connections; gives the ids of the executions, as accepted.

    Raises `ConnectionError` or `asyncio.IncompleteReadError` when the service goes away, `SystemExit` when it
    answers anything but 202.
    """
    left, accepted = iter(bodies), []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in left:
            head = f"POST {path} HTTP/1.1\r\nHost: fill\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            content = await reader.readexactly(length_of(answer))
            if not answer.startswith(b"HTTP/1.1 202"):
                raise SystemExit(f"not accepted: {answer[:60]!r} {content[:400]!r}")
            accepted.extend(json.loads(content)["execution_ids"])
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return accepted
