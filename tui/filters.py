"""The filter line: `status:failed workflow:triage` and free text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

STATES = ("queued", "running", "waiting", "paused", "cancelling", "completed", "failed", "cancelled", "timed_out")
LIVE = frozenset(STATES[:5])
_SINCE = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class FilterError(Exception):
    """The filter cannot be understood; says why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which executions are shown."""

    status: tuple[str, ...] = ()
    workflow: str | None = None
    since: timedelta | None = None
    text: str = ""

    @property
    def empty(self) -> bool:
        """Whether everything is shown."""
        return self == Filter()

    def __str__(self) -> str:
        parts = [f"status:{','.join(self.status)}"] if self.status else []
        parts += [f"workflow:{self.workflow}"] if self.workflow else []
        parts += [f"since:{_spell(self.since)}"] if self.since else []
        return " ".join([*parts, self.text]).strip()

    def params(self, now: datetime) -> dict[str, Any]:
        """What the list of executions is asked with."""
        since = None if self.since is None else (now - self.since).astimezone(UTC).isoformat()
        # The service takes each state as a parameter of its own.
        return {"status": list(self.status) or None, "workflow": self.workflow, "since": since, "q": self.text or None}

    def shows(self, summary: Mapping[str, Any], now: datetime) -> bool:
        """Whether an execution belongs in the list, as the service would say."""
        if self.status and summary.get("status") not in self.status:
            return False
        workflow = str(summary.get("workflow_id", ""))
        if self.workflow is not None and workflow != self.workflow:
            return False
        if self.since is not None and self.too_old(summary, now):
            return False
        text = self.text.lower()
        return not text or str(summary.get("id", "")).startswith(text) or text in workflow.lower()

    def too_old(self, summary: Mapping[str, Any], now: datetime) -> bool:
        """Whether an execution was created before the time that the list begins with."""
        created = summary.get("created_at")
        return self.since is not None and created is not None and datetime.fromisoformat(created) < now - self.since


def parse(text: str) -> Filter:
    """Read a filter line. Raises `FilterError`."""
    status: list[str] = []
    workflow: str | None = None
    since: timedelta | None = None
    words: list[str] = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon:
            words.append(word)
        elif name in {"status", "s", "is"}:
            status += _states(value)
        elif name in {"workflow", "w"}:
            workflow = value or None
        elif name == "since":
            since = _duration(value)
        else:
            raise FilterError(f"{name}: is no filter; there are status:, workflow: and since:")
    return Filter(tuple(dict.fromkeys(status)), workflow, since, " ".join(words))


def _states(value: str) -> list[str]:
    found: list[str] = []
    for one in filter(None, value.lower().split(",")):
        if one == "live":
            found += [state for state in STATES if state in LIVE]
        else:
            matching = [state for state in STATES if state.startswith(one)]
            if not matching:
                raise FilterError(f"{one} is no state; there are {', '.join(STATES)} and live")
            found += [one] if one in matching else matching
    return found


def _duration(value: str) -> timedelta:
    match = _SINCE.fullmatch(value)
    if match is None:
        raise FilterError("since: takes a number and s, m, h or d, such as since:2h")
    return timedelta(**{_UNITS[match[2]]: min(int(match[1]), 100_000)})


def _spell(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0 and seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
