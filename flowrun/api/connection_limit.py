"""Holds file descriptors back from the network, so that callers can't use up those that work in flight needs."""

from __future__ import annotations

import logging
import resource
import sys

_SHARE = 0.75
"""Of all descriptors; the others are for the database, the calls of nodes and the operator's socket."""
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-type: application/problem+json\r\n"
    b"content-length: 62\r\n"
    b"retry-after: 1\r\n"
    b"connection: close\r\n\r\n"
    b'{"status":503,"title":"Too many connections are open already"}'
)
"""What a connection beyond the limit is told before it is closed."""
_log = logging.getLogger(__name__)


class ConnectionLimit:
    """Counts the connections of one listening socket. `most` is how many there may be at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._told = False

    def enter(self) -> bool:
        """Count one more connection, if there may be one; whoever has entered leaves."""
        if self._open >= self._most:
            self._tell()
            return False
        self._open += 1
        return True

    def leave(self) -> None:
        """Count one less."""
        self._open -= 1
        if self._open < self._most // 2:
            self._told = False

    def _tell(self) -> None:
        if not self._told:
            # Once for each time that it fills up: a line for each refused connection would fill the disk.
            self._told = True
            _log.warning("%d connections are open: more are refused with 503. `ulimit -n` allows more", self._open)


def most_connections() -> int:
    """How many connections the process's descriptors allow the network to have."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if descriptors == resource.RLIM_INFINITY else int(descriptors * _SHARE)
