"""What is to come, in virtual time: the earliest first, and of the same moment what was noted first."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """Entries that are due at a time (ms), each known by a key; noting a key anew replaces its entry."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Hashable]] = []
        self._entries: dict[Hashable, tuple[int, T]] = {}
        self._count = 0

    def note(self, key: Hashable, due_at: int, entry: T) -> None:
        """Note what is due then."""
        self._count += 1
        self._entries[key] = (self._count, entry)
        heapq.heappush(self._heap, (due_at, self._count, key))

    def strike(self, key: Hashable) -> None:
        """Forget an entry, if there is one."""
        self._entries.pop(key, None)

    def next(self) -> tuple[int, T] | None:
        """Take the next entry and its time; None when there is none."""
        while self._heap:
            due_at, number, key = heapq.heappop(self._heap)
            found = self._entries.get(key)
            if found is not None and found[0] == number:  # Else it was struck or replaced.
                del self._entries[key]
                return due_at, found[1]
        return None
