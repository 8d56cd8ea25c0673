"""The feed: what has changed, for any number of readers, in one bounded place.

It holds the latest change of each execution (and of each definition), in the order of their numbers: a change takes
the place of the one before it. A reader is only a number up to which it has read, so a slow one costs nothing; what
it finds when it comes is everything that has changed since, each thing once, as it is now. A reader whose number is
older than the oldest change that was dropped has missed something, and is told so.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from flowrun.coordinator.changes import Change, DefinitionChange, ExecutionChange
from flowrun.coordinator.standing import Standing
from flowrun.domain.execution import Execution
from flowrun.domain.turn import Decision
from flowrun.errors import TooManyRequestsError, UnavailableError
from flowrun.ports import StreamPosition

CAPACITY = 10_000
"""How many changed things are held: what a reader may be behind."""
MOST_PER_PRINCIPAL = 20
"""Streams of one key at a time, and of the operator."""
MOST_STREAMS = 500
_RETRY_AFTER = 5


class Feed:
    """See `flowrun.ports.Feed`."""

    def __init__(self, epoch: int, capacity: int = CAPACITY) -> None:
        self.epoch = epoch
        self._capacity = capacity
        self._changes: OrderedDict[object, Change] = OrderedDict()
        self.number = 0
        """Of the latest change."""
        self._floor = 0
        """The highest number that was dropped: who has read less has missed something."""
        self._recording = False
        self._unread = 0
        """Changes since the last reader left; when nobody could go on where they left, recording stops."""
        self._readers = 0
        self._principals: Counter[str] = Counter()
        self._watched: dict[str, set[asyncio.Event]] = {}
        self._news = asyncio.Event()
        self.closed = False

    # --- what is told

    def committed(self, execution: Execution, decision: Decision) -> None:
        """An execution has changed. Called after each commit, in the event loop; nearly free while nobody reads."""
        if self._watched:
            for event in self._watched.get(execution.id, ()):
                event.set()
        if not self._recording:
            return
        before = self._changes.pop(execution.id, None)
        if isinstance(before, ExecutionChange) and not decision.reopened:
            standing = before.standing
            standing.follow(decision.touched)
        else:
            standing = Standing(execution)
        self._add(execution.id, ExecutionChange(self.epoch, self.number + 1, execution, standing))

    def changed(self, kind: str, tenant_id: str | None, name: str) -> None:
        """A definition has changed: a workflow, a schedule, a tenant. Or an execution was deleted."""
        if self._recording:
            key = (kind, tenant_id, name)
            if kind == "execution":
                self._changes.pop(name, None)  # Nobody is to be told of what it was.
            self._changes.pop(key, None)
            self._add(key, DefinitionChange(self.epoch, self.number + 1, kind, tenant_id, name))

    def _add(self, key: object, change: Change) -> None:
        self.number = change.number
        self._changes[key] = change
        if len(self._changes) > self._capacity:
            _, dropped = self._changes.popitem(last=False)
            self._floor = dropped.number
        if self._readers:
            if not self._news.is_set():
                self._news.set()
        else:
            self._unread += 1
            if self._unread > self._capacity:
                self._stop()

    def _stop(self) -> None:
        self._recording = False
        self._changes.clear()

    def close(self) -> None:
        """Let every stream end: the process is about to stop."""
        self.closed = True
        self._news.set()
        for events in self._watched.values():
            for event in events:
                event.set()

    # --- who reads

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._principals.total()

    @contextmanager
    def reading(self, principal: str) -> Iterator[Reader]:
        """See `flowrun.ports.Feed.reading`."""
        with self._counted(principal):
            if not self._recording:
                # Nobody has followed what happened meanwhile: no number from before is good any more.
                self.number += 1
                self._floor = self.number
                self._recording = True
            self._readers += 1
            try:
                yield Reader(self)
            finally:
                self._readers -= 1
                self._unread = 0

    @contextmanager
    def watching(self, principal: str, execution_id: str) -> Iterator[asyncio.Event]:
        """See `flowrun.ports.Feed.watching`."""
        with self._counted(principal):
            event = asyncio.Event()
            self._watched.setdefault(execution_id, set()).add(event)
            try:
                yield event
            finally:
                watching = self._watched[execution_id]
                watching.discard(event)
                if not watching:
                    del self._watched[execution_id]

    @contextmanager
    def _counted(self, principal: str) -> Iterator[None]:
        if self.closed:
            raise UnavailableError("The service is shutting down")
        if self._principals[principal] >= MOST_PER_PRINCIPAL:
            message = f"{MOST_PER_PRINCIPAL} streams of this key are open already, which is the limit"
            raise TooManyRequestsError(message, retry_after=_RETRY_AFTER)
        if self.streams >= MOST_STREAMS:
            raise TooManyRequestsError(f"{MOST_STREAMS} streams are open already", retry_after=_RETRY_AFTER)
        self._principals[principal] += 1
        try:
            yield
        finally:
            self._principals[principal] -= 1
            if not self._principals[principal]:
                del self._principals[principal]

    # --- for readers

    def since(self, number: int) -> list[Change] | None:
        """What has changed after a number, oldest first; None when some of it was dropped or it is none of ours."""
        if not self._floor <= number <= self.number:
            return None
        found = []
        for change in reversed(self._changes.values()):
            if change.number <= number:
                break
            found.append(change)
        found.reverse()
        return found

    async def news(self, number: int) -> None:
        """Return when something has changed after that number, or the feed is closed."""
        while self.number <= number and not self.closed:
            self._news.clear()
            await self._news.wait()


class Reader:
    """See `flowrun.ports.FeedReader`."""

    __slots__ = ("_feed", "_number")

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._number = feed.number

    @property
    def position(self) -> str:
        """See the port."""
        return f"{self._feed.epoch}-{self._number}"

    def resume(self, position: str) -> StreamPosition:
        """See the port."""
        epoch, dash, number = position.partition("-")
        if not dash or not _is_number(epoch) or not _is_number(number):
            return StreamPosition.UNREADABLE
        if int(epoch) != self._feed.epoch:
            return StreamPosition.EPOCH
        if self._feed.since(int(number)) is None:
            return StreamPosition.GONE
        self._number = int(number)
        return StreamPosition.RESUMED

    def take(self, most: int) -> list[Change] | None:
        """See the port."""
        changes = self._feed.since(self._number)
        if changes is None:
            self._number = self._feed.number
            return None
        taken = changes[:most]
        if taken:
            self._number = taken[-1].number
        return taken

    async def news(self) -> None:
        """See the port."""
        await self._feed.news(self._number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
