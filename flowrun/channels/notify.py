"""Sending through the library Apprise: in a thread of its own, confined, and with its log as the only explanation."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from flowrun.channels.confined import confined
from flowrun.domain.node_type import Failed
from flowrun.nodes.http_errors import AddressRefusedError

NOT_INSTALLED = Failed(
    "notify_not_installed",
    "This channel needs the library Apprise, which is not installed: pip install 'flowrun[notify]'",
)
CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
_THREADS = 8
_LINES = 5
_EXPLAINING = ("Socket Exception", "Response Details")
"""How those lines begin that explain a warning; other details hold the message, or whole requests."""
_LINE_LENGTH = 300

Make = Callable[[Any], Any]
"""Makes the service to notify of an `AppriseAsset`; None when what it is made of is not valid."""


@dataclass(slots=True)
class Notice:
    """What is told."""

    body: str
    title: str = ""
    kind: str = "info"
    format: str = "text"


@dataclass(slots=True)
class Told:
    """What came of it."""

    done: bool = False
    made: bool = False
    """Whether there was a service to notify."""
    refused: AddressRefusedError | None = None
    lines: list[str] = field(default_factory=list)
    """What the library had to say."""

    @property
    def shown(self) -> list[str]:
        """Its words for people."""
        return [line[:_LINE_LENGTH] for line in self.lines[:_LINES]]


class _Listener(logging.Handler):
    """Keeps what the library logs in a thread for who asks there; nobody else sees it, since it may hold secrets."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._of_thread = threading.local()

    def listen(self) -> list[tuple[int, str]]:
        """Begin a list of what is logged in this thread."""
        lines: list[tuple[int, str]] = []
        self._of_thread.lines = lines
        return lines

    def emit(self, record: logging.LogRecord) -> None:
        """Add to this thread's list."""
        lines = getattr(self._of_thread, "lines", None)
        if lines is not None:
            lines.append((record.levelno, record.getMessage()))


@cache
def _listener() -> _Listener:
    listener, logger = _Listener(), logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(listener)
    return listener


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "notify")


async def tell(make: Make, notice: Notice, allow: Sequence[str]) -> Told | None:
    """Notify a service; None when the library is not installed. A thread that has begun can't be cancelled."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), partial(_tell, make, notice, allow))


def _tell(make: Make, notice: Notice, allow: Sequence[str]) -> Told | None:
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        return None
    _load(apprise)
    told, lines = Told(), _listener().listen()
    asset = apprise.AppriseAsset(
        app_id="flowrun", app_desc="flowrun", app_url="", storage_mode="memory", async_mode=False, plugin_paths=None
    )
    with confined(allow) as confinement:
        service = make(asset)
        if service is not None:
            told.made = True
            service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
            service.retry = 0  # The engine tries again, and a thread that waits is one that nobody else has.
            told.done = bool(
                service.notify(body=notice.body, title=notice.title, notify_type=notice.kind, body_format=notice.format)
            )
    told.refused = confinement.refused
    told.lines = [text for level, text in lines if level >= logging.WARNING or text.startswith(_EXPLAINING)]
    return told


@cache
def _load(apprise: Any) -> None:  # noqa: ANN401 - the module
    """Load every plugin before anything is confined: they are files, and some look around while they load."""
    with warnings.catch_warnings():
        # What the plugins' own imports are about to lose in later Pythons is nothing that our users can change.
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.Apprise().details()
