"""A real HTTP server that stands in for the services that workflows call, and writes down every call."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from support.own_thread import ServerThread

Answer = Callable[["Call"], "tuple[int, object, float] | Reply"]
"""Gives status, JSON body and the seconds to wait before answering, or a reply in full."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with headers of its own; a text is sent as it is, anything else as JSON."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One call as it came in. Times are seconds since the epoch."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    began_at: float
    key: str = ""
    """The `Idempotency-Key`."""


@dataclass(slots=True, eq=False)
class StandIn(ServerThread):
    """Runs in a thread of its own with its own event loop; use it as a context manager."""

    answer: Answer = field(default=lambda _call: (200, {"ok": True}, 0.0))
    calls: list[Call] = field(default_factory=list)
    hung_up: list[Call] = field(default_factory=list)
    """Calls whose caller closed the connection while they were held."""
    _gates: dict[str, asyncio.Event] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def hold(self, path: str) -> None:
        """Answer no call of a path before `release`."""
        self._gates[path] = asyncio.Event()

    def release(self, path: str) -> None:
        """Answer the calls of a path that are held, and those that come."""
        gate = self._gates.pop(path)
        self._loop.call_soon_threadsafe(gate.set)

    def called(self, path: str) -> list[Call]:
        """The calls of a path, in the order of their arrival."""
        return [call for call in self.calls if call.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                call = await _read(reader)
                self.calls.append(call)
                answer = self.answer(call)
                if not isinstance(answer, Reply):
                    status, body, wait = answer
                    answer = Reply(status, json.dumps(body), {"Content-Type": "application/json"})
                    await asyncio.sleep(wait)
                if not await self._let_go(call, reader):
                    return
                writer.write(_response(answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The caller was killed, or has hung up.
        finally:
            writer.close()

    async def _let_go(self, call: Call, reader: asyncio.StreamReader) -> bool:
        """Wait while the call's path is held; False when the caller hangs up meanwhile."""
        gate = self._gates.get(call.path)
        if gate is None:
            return True
        both = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(reader.read(1))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        if not gate.is_set():
            self.hung_up.append(call)
        return gate.is_set()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, path, headers, body, time.time(), headers.get("idempotency-key", ""))


def _response(reply: Reply) -> bytes:
    plain = isinstance(reply.body, str)
    text = reply.body.encode() if plain else json.dumps(reply.body).encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8" if plain else "application/json; charset=utf-8",
        **reply.headers,
        "Content-Length": str(len(text)),
    }
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + text
