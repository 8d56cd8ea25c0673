"""Stands between a dashboard and its service, and tells it of more executions than the service could have started.

Every request goes to the real service, but the stream of what changes: that one is written here, in the service's own
format, so that a dashboard can be seen under a load that no service on the same machine reaches.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

BURSTS_A_SECOND = 4
"""In a flood the service sends two to eight."""
_READY = b'id: 1-1\nevent: ready\ndata: {"epoch":1,"version":"","resumed":false}\n\n'


class Relay:
    """Listens at `socket`, in a thread of its own, for the service at `service`."""

    def __init__(self, service: Path, socket: Path) -> None:
        self._service = service
        self.socket = socket
        self._loop = asyncio.new_event_loop()
        self._streams: set[asyncio.StreamWriter] = set()
        self._number = 1
        listening = threading.Event()
        threading.Thread(target=self._run, args=(listening,), daemon=True).start()
        listening.wait()

    def flood(self, seconds: float, rate: int) -> str:
        """Tell of so many executions a second, each completed at once; gives the id of the last one."""
        return asyncio.run_coroutine_threadsafe(self._flood(seconds, rate), self._loop).result()

    def _run(self, listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_unix_server(self._serve, self.socket))
        listening.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request for each connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # A connection that was kept ready, and never needed.
            writer.close()
            return
        if head.startswith(b"GET /api/v1/stream "):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + _READY)
            self._streams.add(writer)
            return
        there, back = await asyncio.open_unix_connection(self._service)
        back.write(head[:-2] + b"connection: close\r\n\r\n")
        while data := await there.read(1 << 16):
            writer.write(data)
        await writer.drain()
        writer.close()
        back.close()

    async def _flood(self, seconds: float, rate: int) -> str:
        ends, last = time.monotonic() + seconds, ""
        while time.monotonic() < ends:
            burst = []
            for _ in range(rate // BURSTS_A_SECOND):
                self._number += 1
                last = _id(self._number)
                burst.append(_execution(self._number, last))
            for writer in self._streams:
                writer.write(b"".join(burst))
                await writer.drain()
            await asyncio.sleep(1 / BURSTS_A_SECOND)
        return last


def _id(number: int) -> str:
    """A UUIDv7: after its time comes a number that grows, so that the last of a millisecond is the first in a list."""
    return str(uuid.UUID(hex=f"{int(time.time() * 1000):012x}7000{0x8ABC000000000000 + number:016x}"))


def _execution(number: int, execution_id: str) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {
        "id": execution_id,
        "workflow_id": "hook",
        "tenant_id": "default",
        "version": 1,
        "status": "completed",
        "trigger_type": "webhook",
        "rerun_of": None,
        "reason": None,
        "created_at": now,
        "started_at": now,
        "finished_at": now,
        "duration": 0.004,
        "seq": 7,
        "nodes": {"total": 3, "done": 3, "failed": 0, "running": [], "failed_at": None},
    }
    return f"id: 1-{number}\nevent: execution\ndata: {json.dumps(document)}\n\n".encode()
