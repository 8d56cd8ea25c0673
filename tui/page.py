"""A window on the list of executions, newest first, of bounded size."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from tui.filters import Filter
from tui.look import utc_now

MOST = 1_000
"""Executions that are held at once."""
_MOST_UNSEEN = 10_000
"""Executions that are counted, though not held."""
Document = dict[str, Any]


class Page:
    """Summaries by id in the order of the list: ids are UUIDv7, so a later one is the greater text."""

    def __init__(
        self, wanted: Filter | None = None, tenant: str | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._now = now
        self.filter = wanted or Filter()
        self.tenant = tenant
        self.read = False
        """Whether the list was read at all: until then that nothing is there means nothing."""
        self.rows: dict[str, Document] = {}
        self._ids: list[str] = []
        """Ascending: new ones are appended, which costs nothing."""
        self.cursor: str | None = None
        self.at_head = True
        """Whether the newest execution is among them; then new ones come in."""
        self._unseen: set[str] = set()
        """Executions that came while the window was not at the head, or that left it."""
        self._answers = 0
        """Answers that are on their way."""
        self._news: dict[str, Document] = {}
        """What came while they were: it may be newer than they are."""
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

    @property
    def unseen(self) -> int:
        """How many executions are newer than the newest that is held."""
        return len(self._unseen)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While an answer is on its way: news that comes meanwhile is not lost when it arrives."""
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._news.clear()

    def replace(self, items: Iterable[Document], cursor: str | None) -> None:
        """Show the newest page."""
        self.rows = {item["id"]: item for item in items}
        self._ids = sorted(self.rows)
        self.cursor, self.at_head, self._cut, self.read = cursor, True, False, True
        self._unseen.clear()
        self._put_news()

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
            self._unseen.add(dropped)
            self.at_head = False
        del self._ids[MOST:]
        self._put_news()

    def _put_news(self) -> None:
        for summary in list(self._news.values()):
            self.put(summary)

    def put(self, summary: Mapping[str, Any]) -> bool:
        """Take the news of one execution; gives whether what is shown has changed."""
        if summary.get("tenant_id", self.tenant) != self.tenant:
            return False
        execution = str(summary["id"])
        if self._answers:
            self._news[execution] = {**self._news.get(execution, {}), **summary}
        known = self.rows.get(execution)
        if known is None:
            return self._come(execution, summary)
        merged = {**known, **summary}
        if not self.filter.shows(merged, self._now()):
            self._drop(execution)
            return True
        self.rows[execution] = merged
        return merged != known

    def remove(self, execution: str) -> bool:
        """Let go of an execution that is no more; gives whether what is shown has changed."""
        self._news.pop(execution, None)
        counted, shown = execution in self._unseen, execution in self.rows
        self._unseen.discard(execution)
        if shown:
            self._drop(execution)
        return counted or shown

    def age(self) -> bool:
        """Let those leave that are too old by now; gives whether there were any."""
        if self.filter.since is None:
            return False
        old = list(takewhile(lambda one: self.filter.too_old(self.rows[one], self._now()), self._ids))
        for execution in old:
            self._drop(execution)
        return bool(old)

    def _drop(self, execution: str) -> None:
        del self.rows[execution]
        del self._ids[bisect_left(self._ids, execution)]

    def _come(self, execution: str, summary: Mapping[str, Any]) -> bool:
        """Let a row in where it belongs, or count it."""
        if "workflow_id" not in summary:
            return False  # The answer to a command says no more than the state.
        if not self.at_head and self._ids and execution > self._ids[-1]:
            return self._count(execution, summary)
        if not self.filter.shows(summary, self._now()) or not self._belongs(execution):
            return False
        self.rows[execution] = dict(summary)
        self._ids.insert(bisect_left(self._ids, execution), execution)
        if len(self._ids) > MOST:
            del self.rows[self._ids.pop(0)]
            self._cut = True
        return True

    def _count(self, execution: str, summary: Mapping[str, Any]) -> bool:
        before = len(self._unseen)
        if not self.filter.shows(summary, self._now()):
            self._unseen.discard(execution)
        elif before < _MOST_UNSEEN:
            self._unseen.add(execution)
        return len(self._unseen) != before

    def _belongs(self, execution: str) -> bool:
        """Whether the row is within the window: not older than its last one while there are older ones."""
        return not self._ids or execution > self._ids[0] or not self.more
