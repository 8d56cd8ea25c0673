"""Lets a library that does its own networking reach what outbound calls may reach, and nothing else of this machine."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowrun.nodes.address_guard import AddressGuard
from flowrun.nodes.http_errors import AddressRefusedError

_NEVER = frozenset(
    {
        "_thread.start_new_thread",
        "ctypes.dlopen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "subprocess.Popen",
        "syslog.openlog",
        "syslog.syslog",
    }
)
"""What no notification needs, and what would get around the rest."""
_CODE = tuple(
    f"{Path(place).resolve()}{os.sep}"
    for name, place in sysconfig.get_paths().items()
    if name in {"stdlib", "platstdlib", "purelib", "platlib"}
)
"""Where Python's own and installed modules are: not `sys.path`, which may hold the working directory."""


class _Rules(threading.local):
    """What the present thread may do; nothing is forbidden outside of `confined`."""

    guard: AddressGuard | None = None
    allowed: frozenset[str] = frozenset()
    """Addresses of hosts that are allowed by name."""
    refused: AddressRefusedError | None = None


class Confinement:
    """What came of a confined block."""

    refused: AddressRefusedError | None = None
    """An address that was not connected to."""


_rules = _Rules()
_installing = threading.Lock()
_installed = False


@contextmanager
def confined(allow: Sequence[str]) -> Iterator[Confinement]:
    """Let this thread connect to public addresses and those of `allow`, and open no files but Python's own.

    Whatever else it tries ends in an `OSError`. The address is judged at the moment of the connection, so what a name
    resolves to can't change in between.
    """
    _install()
    found = Confinement()
    _rules.guard, _rules.allowed, _rules.refused = AddressGuard(allow), frozenset(), None
    try:
        yield found
    finally:
        found.refused = _rules.refused
        _rules.guard = None


def _install() -> None:
    global _installed  # noqa: PLW0603 - a hook of the interpreter is there once and for all
    with _installing:
        if not _installed:
            sys.addaudithook(_audit)
            _installed = True


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    guard = _rules.guard
    if guard is None:
        return
    if event in {"socket.connect", "socket.sendto"}:
        _judge(guard, arguments[1])
    elif event == "socket.getaddrinfo":
        _resolve(guard, arguments[0])
    elif event == "open":
        _judge_file(arguments[0])
    elif event in _NEVER:
        raise PermissionError(f"a notification may not do {event}")


def _judge(guard: AddressGuard, address: object) -> None:
    if not isinstance(address, tuple):
        raise PermissionError("a notification may not use local sockets")
    host = str(address[0]).partition("%")[0]
    if host in _rules.allowed:
        return
    kind = guard.refusal(host)
    if kind is not None:
        _rules.refused = AddressRefusedError(host, host, kind)
        raise PermissionError(str(_rules.refused))


def _resolve(guard: AddressGuard, host: object) -> None:
    """Remember the addresses of a host that is allowed by name: a connection knows only the address."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if not guard.allows_host(name):
        return
    _rules.guard = None
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return
    finally:
        _rules.guard = guard
    _rules.allowed |= {str(row[4][0]) for row in found}


def _judge_file(path: object) -> None:
    if isinstance(path, int):
        return
    text = path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
    place = Path(text).absolute()
    if ".." in place.parts or not str(place).startswith(_CODE):
        raise PermissionError("a notification may not open files")
