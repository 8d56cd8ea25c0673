"""Where hypercorn has to do otherwise, and has no setting for it: importing this module changes its classes."""

from __future__ import annotations

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol

from flowrun.api.connection_limit import FULL, ConnectionLimit

_run = TCPServer.run
_read_data = TCPServer._read_data  # noqa: SLF001
_idle_timeout = TCPServer._idle_timeout  # noqa: SLF001


class LimitedConfig(Config):
    """The settings of one listening socket, with the number of connections that it may have; None is any."""

    connection_limit: ConnectionLimit | None = None


async def _run_within_limit(server: TCPServer) -> None:
    """Tell a connection beyond the limit so, and close it."""
    limit = getattr(server.config, "connection_limit", None)
    if limit is None:
        await _run(server)
    elif not limit.enter():
        server.writer.write(FULL)
        await server._close()  # noqa: SLF001
    else:
        try:
            await _run(server)
        finally:
            limit.leave()


async def _stay_with_http1(_protocol: H11Protocol, _request: object) -> None:
    """Change to HTTP/2 for nobody: hypercorn waits for ever with a stream whose body nobody reads, and keeps it."""


async def _read_until_gone(server: TCPServer) -> None:
    """Wait no longer for the next request of a client that has gone: its descriptor would be held for so long."""
    await _read_data(server)
    setattr(server, "is_gone", True)  # noqa: B010 - the class has no such attribute
    await server.idle_task.stop()


async def _wait_while_there(server: TCPServer) -> None:
    """A request that ends after its client has gone must not begin the wait anew."""
    if not getattr(server, "is_gone", False):
        await _idle_timeout(server)


setattr(TCPServer, "run", _run_within_limit)  # noqa: B010
setattr(H11Protocol, "_check_protocol", _stay_with_http1)  # noqa: B010
setattr(TCPServer, "_read_data", _read_until_gone)  # noqa: B010
setattr(TCPServer, "_idle_timeout", _wait_while_there)  # noqa: B010
