"""Where the service is, and what the dashboard was told about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Place:
    """A unix socket, or a URL with an API key."""

    socket: Path | None = None
    url: str | None = None
    key: str | None = None

    @property
    def label(self) -> str:
        """What the header calls it; never the key."""
        if self.url is None:
            return "local"
        return urlsplit(self.url).netloc.rpartition("@")[2] or self.url

    @property
    def address(self) -> str:
        """Where it is, for messages."""
        return str(self.socket) if self.url is None else self.url


@dataclass(frozen=True, slots=True)
class Options:
    """How the dashboard was started."""

    place: Place
    tenant: str | None = None
    readonly: bool = False
    ascii: bool = False
    colour: bool = True
