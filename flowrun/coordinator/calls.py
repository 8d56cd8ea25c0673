"""Who called whom and waits for it, and who would therefore wait for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

G = TypeVar("G")


class Calls:
    """Executions that others called and wait for."""

    def __init__(self) -> None:
        self._callers: dict[str, str] = {}
        self._called: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._callers) + len(self._called)

    def note(self, execution_id: str, caller: str) -> None:
        """An execution was called by another one that waits for it."""
        self._callers[execution_id] = caller
        self._called.setdefault(caller, {})[execution_id] = None

    def forget(self, execution_id: str) -> None:
        """An execution has ended: it waits for nothing, and nobody for it."""
        self._called.pop(execution_id, None)
        caller = self._callers.pop(execution_id, None)
        siblings = self._called.get(caller, {}) if caller is not None else {}
        siblings.pop(execution_id, None)
        if caller in self._called and not siblings:
            del self._called[caller]

    def caller_of(self, execution_id: str) -> str | None:
        """The one that called this one."""
        return self._callers.get(execution_id)

    def callers(self, caller: str | None) -> set[str]:
        """A caller, and who called that one, and so on: all who wait for what it has called."""
        found: set[str] = set()
        while caller is not None and caller not in found:
            found.add(caller)
            caller = self._callers.get(caller)
        return found

    def awaited_by(self, execution_id: str, goes_on: Callable[[str], bool]) -> Iterator[str]:
        """An execution, what it has called, what that has called, and so on: behind those of them that `goes_on`."""
        to_see = [execution_id]
        while to_see:
            one = to_see.pop()
            yield one
            if one == execution_id or goes_on(one):
                to_see.extend(self._called.get(one, ()))


def stuck(full: Iterable[G], members: Callable[[G], Iterable[str]], wanted_by: Callable[[str], set[G]]) -> set[G]:
    """Of these groups and those behind them: the ones that never get room.

    `members` gives who has a place in a group, `wanted_by` the full groups in which something waits for a place that
    a member waits for. A group gets room as soon as one of its members wants none, or only groups that get room.
    """
    wanted: dict[G, list[set[G]]] = {}
    to_see = list(full)
    while to_see:
        group = to_see.pop()
        if group not in wanted:
            wanted[group] = [wanted_by(member) for member in members(group)]
            if all(wanted[group]):
                to_see.extend(chain.from_iterable(wanted[group]))
    return _greatest(wanted)


def _greatest(wanted: Mapping[G, list[set[G]]]) -> set[G]:
    """The largest set of groups in which each member wants one of the set."""
    left = set(wanted)
    while free := [group for group in left if not all(left & groups for groups in wanted[group])]:
        left.difference_update(free)
    return left
