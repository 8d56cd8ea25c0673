"""What is known of the connection: live, stale or being made again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STALE = 4.0
"""Seconds without a sign of life after which what is shown may be out of date."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
"""Seconds before the next attempt to connect; each is twice as long as the one before."""
_LONGEST_LOCAL_PAUSE = 0.75
"""Asking a socket of this machine costs nothing, and a service that was started again is looked at right away."""


class Link(StrEnum):
    """How the connection stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    RECONNECTING = "reconnecting"
    REFUSED = "refused"


@dataclass(slots=True)
class Connection:
    """Told by the stream's reader, read by the header. Times are seconds of a monotonic clock."""

    opened: bool = False
    heard_at: float | None = None
    attempts: int = 0
    why: str = ""
    refused: bool = False

    def open(self, now: float) -> None:
        """The service has answered."""
        self.opened, self.refused, self.attempts, self.why, self.heard_at = True, False, 0, "", now

    def heard(self, now: float) -> None:
        """There was a sign of life."""
        self.heard_at = now

    def lost(self, why: str, *, refused: bool = False) -> None:
        """The connection broke, or could not be made."""
        self.opened, self.why, self.refused = False, why, refused
        self.attempts += 1

    def pause(self, *, local: bool) -> float:
        """Seconds until the next attempt."""
        longest = _LONGEST_LOCAL_PAUSE if local else _LONGEST_PAUSE
        doubled = min(max(self.attempts - 1, 0), 10)  # By then the bound is long reached.
        return float(min(_FIRST_PAUSE * 2**doubled, longest))

    def link(self, now: float) -> Link:
        """How it stands at this moment."""
        if self.opened:
            return Link.LIVE if self.silence(now) < STALE else Link.STALE
        if self.refused:
            return Link.REFUSED
        return Link.CONNECTING if self.heard_at is None and self.attempts == 0 else Link.RECONNECTING

    def silence(self, now: float) -> float:
        """Seconds since the last sign of life."""
        return 0.0 if self.heard_at is None else max(0.0, now - self.heard_at)

    def usable(self, now: float) -> bool:
        """Whether commands may be sent."""
        return self.link(now) is Link.LIVE

    def words(self, now: float) -> str:
        """As the header says it."""
        link = self.link(now)
        if link is Link.LIVE:
            return f"live {self.silence(now):.1f}s"
        if link is Link.STALE:
            return f"stale {self.silence(now):.0f}s"
        if link is Link.RECONNECTING:
            return f"reconnecting {self.attempts}"
        return str(link)
