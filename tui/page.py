"""A window on the list of executions, newest first, of bounded size."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tui.filters import Filter

MOST = 1_000
"""Executions that are held at once."""
Document = dict[str, Any]


class Page:
    """Summaries by id in the order of the list: ids are UUIDv7, so a later one is the greater text."""

    def __init__(self, wanted: Filter | None = None) -> None:
        self.filter = wanted or Filter()
        self.rows: dict[str, Document] = {}
        self._ids: list[str] = []
        """Ascending: new ones are appended, which costs nothing."""
        self.cursor: str | None = None
        self.at_head = True
        """Whether the newest execution is among them; then new ones come in."""
        self.unseen = 0
        """Executions that came while the window was not at the head."""
        self._cut = False
        """Whether older rows were dropped, so that the cursor leads past them."""

    @property
    def ids(self) -> list[str]:
        """Newest first."""
        return self._ids[::-1]

    @property
    def more(self) -> bool:
        """Whether there are older ones to read."""
        return self._cut or self.cursor is not None

    def replace(self, items: Iterable[Document], cursor: str | None) -> None:
        """Show the newest page."""
        self.rows = {item["id"]: item for item in items}
        self._ids = sorted(self.rows)
        self.cursor, self.at_head, self.unseen, self._cut = cursor, True, 0, False

    def older(self) -> dict[str, Any]:
        """The params that ask for what comes after the last row."""
        if not self._cut or not self._ids:
            return {"cursor": self.cursor}
        # Times end in milliseconds, and `until` is exclusive: rows of the same millisecond come twice.
        last = datetime.fromisoformat(self.rows[self._ids[0]]["created_at"]) + timedelta(milliseconds=1)
        return {"until": last.isoformat()}

    def append(self, items: Iterable[Document], cursor: str | None) -> None:
        """Add older rows; the newest leave when there are too many."""
        for item in items:
            self.rows[item["id"]] = item
        self._ids = sorted(self.rows)
        self.cursor, self._cut = cursor, False
        for dropped in self._ids[MOST:]:
            del self.rows[dropped]
            self.at_head = False
        del self._ids[MOST:]

    def put(self, summary: Mapping[str, Any]) -> bool:
        """Take the news of one execution; gives whether what is shown has changed."""
        execution = str(summary["id"])
        known = self.rows.get(execution)
        merged = {**(known or {}), **summary}
        if not self.filter.shows(merged):
            return self._drop(execution)
        if known is not None:
            self.rows[execution] = merged
            return merged != known
        if not self._belongs(execution):
            return False
        if not self.at_head:
            self.unseen += 1
            return True
        self.rows[execution] = merged
        self._ids.insert(bisect_left(self._ids, execution), execution)
        if len(self._ids) > MOST:
            del self.rows[self._ids.pop(0)]
            self._cut = True
        return True

    def _belongs(self, execution: str) -> bool:
        """Whether the row is within the window: not older than its last one while there are older ones."""
        return not self._ids or execution > self._ids[0] or not self.more

    def _drop(self, execution: str) -> bool:
        if self.rows.pop(execution, None) is None:
            return False
        del self._ids[bisect_left(self._ids, execution)]
        return True
