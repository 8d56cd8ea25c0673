"""How many executions run at once: per tenant, per workflow, per key; what becomes of one more."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from flowrun.coordinator.calls import Calls, stuck
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonValue
from flowrun.errors import TooManyRequestsError
from flowrun.ports import TenantLimits

Group = tuple[str, ...]
"""Executions that share a limit: `(tenant,)`, or `(tenant, workflow, key)`."""
_Members = dict[Group, OrderedDict[str, None]]


class LimitReachedError(TooManyRequestsError):
    """As many executions run as are allowed."""

    code = "limit-reached"


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a group; `most` None is no limit."""

    most: int | None = None
    at_limit: str = "queue"


_NO_RULE = Rule()


@dataclass(slots=True)
class Admission:
    """The answer to one execution: it runs now, or it waits; then perhaps others are to be cancelled for it."""

    runs: bool
    cancel: tuple[str, ...] = ()


class Gate:
    """Counts what runs in each limited group, and knows who is next.

    Executions that fall under no limit are not known here, and cost nothing. The rules are those of today, whichever
    version of its workflow an execution has. An execution that another one called, and waits for, needs no place where
    that one has one, nor where all who have one wait for it in turn: they would wait for one another.
    """

    def __init__(self) -> None:
        self.tenants: dict[str, TenantLimits] = {}
        self._workflows: dict[tuple[str, str], Rule] = {}
        self._versions: dict[tuple[str, str], int] = {}
        """Of the workflows with limits: the newest version that was seen."""
        self._running: _Members = {}
        self._waiting: _Members = {}
        self._groups: dict[str, tuple[Group, ...]] = {}
        """By execution: what it falls under, from its creation to its end."""
        self._calls = Calls()
        self._leaving: set[str] = set()
        """Those that are being cancelled: their places will be free in a moment."""
        self._leaving_of: Counter[Group] = Counter()
        self._left: list[set[str]] = []
        """Where those who leave are noted while executions are counted from the database."""

    # --- the rules

    def groups_of(self, graph: Graph, tenant_id: str, scope: Mapping[str, JsonValue], now: int) -> tuple[Group, ...]:
        """What an execution falls under. Raises `ExpressionError` when the workflow's key cannot be evaluated."""
        found: list[Group] = []
        tenant = self.tenants.get(tenant_id)
        if tenant is not None and tenant.running_executions is not None:
            found.append((tenant_id,))
        if graph.concurrency is not None and graph.concurrency.limit is not None:
            if self.is_current(tenant_id, graph):
                self._workflows[tenant_id, graph.workflow_id] = _rule_of(graph)
            found.append(_group(graph, tenant_id, scope, now))
        return tuple(found)

    def is_current(self, tenant_id: str, graph: Graph) -> bool:
        """Whether the limits of this version are in force: no newer one has been seen."""
        key = (tenant_id, graph.workflow_id)
        if graph.version < self._versions.get(key, 0):
            return False
        self._versions[key] = graph.version
        return True

    def workflow(self, tenant_id: str, workflow_id: str, graph: Graph | None) -> list[str]:
        """A workflow has been saved, or (None) deleted; gives the executions that may run now."""
        key = (tenant_id, workflow_id)
        if graph is None:
            self._workflows.pop(key, None)
            self._versions.pop(key, None)
        else:
            self._workflows[key], self._versions[key] = _rule_of(graph), graph.version
        return self._next([group for group in self._waiting if group[:2] == key])

    def changed(self, tenant_id: str) -> list[str]:
        """A tenant's limits have changed; gives the executions that may run now."""
        return self._next([(tenant_id,)])

    def _rule(self, group: Group) -> Rule:
        if len(group) > 1:
            return self._workflows.get((group[0], group[1]), _NO_RULE)
        limits = self.tenants.get(group[0])
        return _NO_RULE if limits is None else Rule(limits.running_executions, limits.at_limit)

    # --- coming and going

    def ask(
        self, execution_id: str, groups: tuple[Group, ...], caller: str | None = None, *, refusable: bool = True
    ) -> Admission:
        """Let an execution in, or wait; raises `LimitReachedError` for a `refusable` one where the limit says so."""
        groups = self._without_shared(groups, caller)
        full = self._full(groups)
        if full and caller is not None:
            circle = stuck(full, lambda group: self._running.get(group, ()), partial(self._wanted_by, caller, full))
            groups = tuple(group for group in groups if group not in circle)
            full = self._full(groups)
        victims: dict[str, None] = {}
        for group in full:
            rule, too_many = self._rule(group), self._too_many(group) + 1
            if too_many > 0 and rule.at_limit == "reject" and refusable:
                what = "tenant" if len(group) == 1 else "workflow"
                raise LimitReachedError(f"This {what} is at its limit of {rule.most} running at a time")
            if too_many > 0 and rule.at_limit == "cancel_oldest":
                victims |= dict.fromkeys(self._oldest(group, too_many))
        if caller is not None:
            self.called(execution_id, caller)
        self.count(execution_id, groups, waits=bool(full))
        for victim in victims:
            self.leaving(victim)
        return Admission(not full, tuple(victims))

    def leaving(self, execution_id: str) -> None:
        """An execution is being cancelled: others may take its place for granted."""
        if execution_id in self._groups and execution_id not in self._leaving:
            self._leaving.add(execution_id)
            self._leaving_of.update(self._groups[execution_id])

    def stays(self, execution_id: str) -> None:
        """An execution that was to be cancelled is not, after all."""
        if execution_id in self._leaving:
            self._leaving.discard(execution_id)
            self._uncount(self._groups[execution_id])

    def _uncount(self, groups: Iterable[Group]) -> None:
        for group in groups:
            self._leaving_of[group] -= 1
            if not self._leaving_of[group]:
                del self._leaving_of[group]

    def leave(self, execution_id: str) -> list[str]:
        """Forget an execution that has ended; gives those that may run now, which count as running."""
        self._calls.forget(execution_id)
        for left in self._left:
            left.add(execution_id)
        groups = self._groups.pop(execution_id, None)
        if groups is None:
            return []
        if execution_id in self._leaving:
            self._leaving.discard(execution_id)
            self._uncount(groups)
        for group in groups:
            _remove(self._running, group, execution_id)
            _remove(self._waiting, group, execution_id)
        return self._next(groups)

    # --- those who were there before

    @contextmanager
    def noting(self) -> Iterator[set[str]]:
        """Those who leave while the block lasts: what is read of them meanwhile is old."""
        left: set[str] = set()
        self._left.append(left)
        try:
            yield left
        finally:
            self._left.remove(left)

    def called(self, execution_id: str, caller: str) -> None:
        """An execution was called by another one that waits for it."""
        self._calls.note(execution_id, caller)

    def count(self, execution_id: str, groups: tuple[Group, ...], *, waits: bool) -> None:
        """Count one that was there before, unless it is counted already, or has its place with who called it."""
        groups = self._without_shared(groups, self._calls.caller_of(execution_id))
        members = self._waiting if waits else self._running
        for group in groups:
            if group not in self._groups.get(execution_id, ()):
                self._groups[execution_id] = (*self._groups.get(execution_id, ()), group)
                members.setdefault(group, OrderedDict())[execution_id] = None
                self._leaving_of.update([group] if execution_id in self._leaving else ())

    def settle(self) -> tuple[list[str], list[str]]:
        """After recovery has counted everything: the executions that may run now, and those to be cancelled."""
        victims: dict[str, None] = {}
        for group in {*self._running, *self._waiting}:
            if self._rule(group).at_limit == "cancel_oldest":
                victims |= dict.fromkeys(self._oldest(group, self._too_many(group)))
        for victim in victims:
            self.leaving(victim)
        return self._next(list(self._waiting)), list(victims)

    # --- who is where

    def _without_shared(self, groups: tuple[Group, ...], caller: str | None) -> tuple[Group, ...]:
        """The groups but those in which someone has a place who waits for this execution."""
        if caller is None or not groups:
            return groups
        callers = self._calls.callers(caller)
        return tuple(group for group in groups if callers.isdisjoint(self._running.get(group, ())))

    def _wanted_by(self, caller: str, full: list[Group], execution_id: str) -> set[Group]:
        """The full groups in which something waits for a place that this execution waits for.

        The `caller` is about to wait for something that waits for places in `full`.
        """
        found: set[Group] = set()
        if execution_id in self._leaving:
            return found
        for one in self._calls.awaited_by(execution_id, lambda called: not self.waits(called)):
            if one == caller:
                found.update(full)
            if self.waits(one):
                found.update(self._full(self._groups[one]))
        return found

    def leaves(self, execution_id: str) -> bool:
        """Whether an execution is being cancelled, or is to be."""
        return execution_id in self._leaving

    def waits(self, execution_id: str) -> bool:
        """Whether an execution is waiting for its place."""
        return any(execution_id in self._waiting.get(group, ()) for group in self._groups.get(execution_id, ()))

    def _full(self, groups: Iterable[Group]) -> list[Group]:
        return [group for group in groups if not self._has_room(group)]

    def _too_many(self, group: Group) -> int:
        """By how many those who run or wait, and aren't being cancelled, are more than may run; negative: fewer."""
        most = self._rule(group).most
        there = len(self._running.get(group, ())) + len(self._waiting.get(group, ()))
        return there - self._leaving_of[group] - (there if most is None else most)

    def _oldest(self, group: Group, count: int) -> list[str]:
        """So many of those who aren't being cancelled, the longest there first."""
        there = chain(self._running.get(group, ()), self._waiting.get(group, ()))
        return list(islice((one for one in there if one not in self._leaving), max(count, 0)))

    def _next(self, groups: Iterable[Group]) -> list[str]:
        admitted = []
        for group in groups:
            for execution_id in list(self._waiting.get(group, ())):
                theirs = self._groups[execution_id]
                if not all(self._has_room(one) for one in theirs):
                    if not self._has_room(group):
                        break  # The group itself is full: nobody behind it has a place either.
                    continue
                for one in theirs:
                    _remove(self._waiting, one, execution_id)
                    self._running.setdefault(one, OrderedDict())[execution_id] = None
                admitted.append(execution_id)
        return admitted

    def _has_room(self, group: Group) -> bool:
        most = self._rule(group).most
        return most is None or len(self._running.get(group, ())) < most


def _rule_of(graph: Graph) -> Rule:
    return _NO_RULE if graph.concurrency is None else Rule(graph.concurrency.limit, graph.concurrency.at_limit)


def _remove(groups: _Members, group: Group, execution_id: str) -> None:
    members = groups.get(group)
    if members is not None:
        members.pop(execution_id, None)
        if not members:
            del groups[group]


def _group(graph: Graph, tenant_id: str, scope: Mapping[str, JsonValue], now: int) -> Group:
    """The executions of a workflow that share its limit: those with the same key."""
    key = ""
    if graph.concurrency_key is not None:
        value = graph.concurrency_key.evaluate(scope, now=now)
        key = value if isinstance(value, str) else repr(value)
    return (tenant_id, graph.workflow_id, key)
