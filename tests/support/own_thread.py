"""A server on loopback in a thread and event loop of its own, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import ssl
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True, eq=False)
class ServerThread(ABC):
    """Serves each connection as `_serve` says; to be entered once."""

    port: int = field(init=False, default=0)
    _loop: asyncio.AbstractEventLoop = field(init=False, default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = field(init=False, default=None)
    _server: asyncio.Server | None = field(init=False, default=None)

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""

    def _tls(self) -> ssl.SSLContext | None:
        """What every connection begins with; None: nothing."""
        return None

    def __enter__(self) -> Self:
        started = threading.Event()

        async def run() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls())
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        def main() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(run())
            self._loop.run_forever()

        self._thread = threading.Thread(target=main, daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            assert self._server is not None
            self._server.close()
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(10)
        self._loop.close()
