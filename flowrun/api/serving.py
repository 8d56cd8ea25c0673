"""Serves the application with hypercorn, on TCP and on the operator's unix socket, and stops in good time."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anyio
from hypercorn.asyncio import serve as hypercorn_serve
from starlette.types import ASGIApp, Receive, Scope, Send

from flowrun.api.auth import LOCAL
from flowrun.api.connection_limit import ConnectionLimit, most_connections
from flowrun.api.hypercorn_ways import LimitedConfig
from flowrun.api.unread import BodyReader, has_body
from flowrun.errors import ConfigurationError

_BACKLOG = 1024
_KEEP_ALIVE_SECONDS = 75.0
_CLOSING_SECONDS = 2.0
_log = logging.getLogger(__name__)


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    socket_path: Path | None = None,
    stop: asyncio.Event,
    started: Callable[[int], None] = lambda _port: None,
    stopping: Callable[[], None] = lambda: None,
    grace: float = 5.0,
) -> None:
    """Serve until `stop` is set; requests that run then get `grace` seconds, and are cancelled after them.

    `started` is given the port, also when `port` 0 took any free one; `stopping` is called as soon as `stop` is
    set, to end what requests wait for. A request of the unix socket is the operator's.
    `scope["state"]["flowrun_closing"]` is the `stop` event, for streams to watch. Connections from the network leave
    some of the process's descriptors to its work. Raises `ConfigurationError` when an address can't be had. Whoever
    calls this holds the lock of the data directory: a socket file that is there already is a dead process's.
    """
    requests = _Requests(app, stop)
    tcp = _tcp_socket(host, port)
    try:
        local = _unix_socket(socket_path) if socket_path is not None else None
    except ConfigurationError:
        tcp.close()
        raise
    bound: int = tcp.getsockname()[1]
    try:
        async with anyio.create_task_group() as servers:
            servers.start_soon(_serve, requests.remote, tcp, stop, ConnectionLimit(most_connections()))
            if local is not None:
                servers.start_soon(_serve, requests.local, local, stop, None)
            started(bound)
            await stop.wait()
            stopping()
            await requests.finish(grace)
            # On some Pythons hypercorn waits for every connection, as long as its client likes.
            servers.cancel_scope.deadline = anyio.current_time() + _CLOSING_SECONDS
    finally:
        _remove(socket_path)


def _remove(socket_path: Path | None) -> None:
    if socket_path is not None:
        socket_path.unlink(missing_ok=True)


async def _serve(
    app: ASGIApp, listening: socket.socket, stop: asyncio.Event, connections: ConnectionLimit | None
) -> None:
    config = LimitedConfig()
    config.connection_limit = connections
    # hypercorn makes a socket of its own from the number, and closes it.
    config.bind = [f"fd://{listening.detach()}"]
    config.backlog = _BACKLOG
    config.keep_alive_timeout = cast("Any", _KEEP_ALIVE_SECONDS)
    config.keep_alive_max_requests = 1_000_000
    config.graceful_timeout = 1.0
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = _quiet_logger()
    await hypercorn_serve(cast("Any", app), config, shutdown_trigger=stop.wait)


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("flowrun.api.hypercorn")
    logger.setLevel(logging.WARNING)
    return logger


class _Requests:
    """The requests that run: known, so that they can be ended. hypercorn's own grace doesn't do it."""

    def __init__(self, app: ASGIApp, stop: asyncio.Event) -> None:
        self._app = app
        self._stop = stop
        self._running: set[asyncio.Task[Any]] = set()

    async def remote(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request from the network."""
        await self._run(scope, receive, send, local=False)

    async def local(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request from the unix socket, whose file only the operator can open."""
        await self._run(scope, receive, send, local=True)

    async def _run(self, scope: Scope, receive: Receive, send: Send, *, local: bool) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["state"] = {**scope.get("state", {}), LOCAL: local, "flowrun_closing": self._stop}
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - narrows the type
        self._running.add(task)
        if has_body(scope):
            body = BodyReader(receive, send)
            receive, send = body.receive, body.send
        try:
            await self._app(scope, receive, send)
        finally:
            self._running.discard(task)

    async def finish(self, grace: float) -> None:
        """Wait for the requests that run, then cancel them."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            _log.warning("Cancelled %d requests that did not end in time", len(self._running))


def _tcp_socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host}: {error.strerror or error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigurationError(_why(host, port, error)) from None
    return listening


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another process; stop it, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user; choose one above 1023 with --port"
    return f"Cannot listen on {host}, port {port}: {error.strerror}"


def _unix_socket(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        listening.bind(os.fspath(path))
        # Nobody can connect before `listen`, so there is no moment in which others could; a umask would hold for
        # every thread.
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"Cannot make the socket {path}: {error.strerror or error}") from None
    return listening
