"""The network below the HTTP client: every address is judged before it is connected to, and no other is used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

import httpcore2

from flowrun.nodes.address_guard import AddressGuard
from flowrun.nodes.http_errors import AddressRefusedError, HttpConnectionError

MAX_ADDRESSES = 4
"""How many addresses of one name are tried."""
CONNECT_TIMEOUT = 10.0
"""Seconds for one address."""


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves a name once, judges every address, and connects to one of those.

    The HTTP client keeps the name for TLS and the `Host` header, so the address can't be changed in between.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of the host that answers.

        Raises `AddressRefusedError` when any of its addresses may not be reached.
        """
        addresses = await self._resolve(host, port)
        if not self._guard.allows_host(host):
            for address in addresses:
                kind = self._guard.refusal(address)
                if kind is not None:
                    raise AddressRefusedError(host, address, kind)
        last: Exception | None = None
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout or CONNECT_TIMEOUT, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise HttpConnectionError(f"can't connect to {host} port {port}: {_reason(last)}") from last

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise HttpConnectionError(f"the host {host} is not known: {_reason(error)}") from error
        addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
        if not addresses:
            raise HttpConnectionError(f"the host {host} has no address")
        return addresses


def _reason(error: BaseException | None) -> str:
    """Say what the system said, below whatever was wrapped around it."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
