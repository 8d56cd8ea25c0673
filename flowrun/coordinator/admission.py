"""How many executions run at once: per tenant, per workflow, per key; what becomes of one more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonValue
from flowrun.errors import TooManyRequestsError
from flowrun.ports import TenantLimits

Group = tuple[str, ...]
"""Executions that share a limit: `(tenant,)`, or `(tenant, workflow, key)`."""


class LimitReachedError(TooManyRequestsError):
    """As many executions run as are allowed."""

    code = "limit-reached"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit that an execution falls under."""

    group: Group
    most: int
    at_limit: str


@dataclass(slots=True)
class Admission:
    """The answer to one execution: it runs now, or it waits; then perhaps another is to be cancelled for it."""

    runs: bool
    cancel: str | None = None


class Gate:
    """Counts what runs in each limited group, and knows who is next.

    Executions that fall under no limit are not known here, and cost nothing.
    """

    def __init__(self) -> None:
        self.tenants: dict[str, TenantLimits] = {}
        self._running: dict[Group, OrderedDict[str, None]] = {}
        self._waiting: dict[Group, OrderedDict[str, None]] = {}
        self._limits: dict[str, list[Limit]] = {}
        """By execution: what it falls under, from its creation to its end."""

    def limits_of(self, graph: Graph, tenant_id: str, scope: Mapping[str, JsonValue], now: int) -> list[Limit]:
        """What an execution falls under. Raises `ExpressionError` when the workflow's key cannot be evaluated."""
        found = []
        tenant = self.tenants.get(tenant_id)
        if tenant is not None and tenant.running_executions is not None:
            found.append(Limit((tenant_id,), tenant.running_executions, tenant.at_limit))
        if graph.concurrency is not None and graph.concurrency.limit is not None:
            most = graph.concurrency.limit
            found.append(Limit(_group(graph, tenant_id, scope, now), most, graph.concurrency.at_limit))
        return found

    def ask(self, execution_id: str, limits: list[Limit]) -> Admission:
        """Let an execution in, or let it wait; raises `LimitReachedError` where the limit says so."""
        full = [limit for limit in limits if not self._has_room(limit)]
        refusing = next((limit for limit in full if limit.at_limit == "reject"), None)
        if refusing is not None:
            what = "tenant" if len(refusing.group) == 1 else "workflow"
            raise LimitReachedError(f"This {what} is at its limit of {refusing.most} running at a time")
        self._limits[execution_id] = limits
        if not full:
            self._enter(execution_id, limits)
            return Admission(runs=True)
        for limit in full:
            self._waiting.setdefault(limit.group, OrderedDict())[execution_id] = None
        oldest = next((limit for limit in full if limit.at_limit == "cancel_oldest"), None)
        victim = next(iter(self._running.get(oldest.group, ())), None) if oldest else None
        return Admission(runs=False, cancel=victim)

    def enter(self, execution_id: str, limits: list[Limit]) -> None:
        """Count an execution as running without asking: it ran before (recovery)."""
        if limits:
            self._limits[execution_id] = limits
            self._enter(execution_id, limits)

    def wait(self, execution_id: str, limits: list[Limit]) -> None:
        """Count an execution as waiting: it waited before (recovery)."""
        self._limits[execution_id] = limits
        for limit in limits:
            self._waiting.setdefault(limit.group, OrderedDict())[execution_id] = None

    def leave(self, execution_id: str) -> list[str]:
        """Forget an execution that has ended; gives those that may run now, which count as running."""
        limits = self._limits.pop(execution_id, None)
        if limits is None:
            return []
        for limit in limits:
            _remove(self._running, limit.group, execution_id)
            _remove(self._waiting, limit.group, execution_id)
        return self._next(limit.group for limit in limits)

    def changed(self, tenant_id: str) -> list[str]:
        """A tenant's limits have changed; gives the executions that may run now."""
        present = self.tenants.get(tenant_id, TenantLimits())
        most = present.running_executions
        for execution_id, limits in self._limits.items():
            if any(limit.group == (tenant_id,) for limit in limits):
                kept = [limit for limit in limits if limit.group != (tenant_id,)]
                added = [] if most is None else [Limit((tenant_id,), most, present.at_limit)]
                self._limits[execution_id] = added + kept
        return self._next([(tenant_id,)])

    def settle(self) -> list[str]:
        """The executions that may run now, after recovery has counted everything."""
        return self._next(list(self._waiting))

    def _next(self, groups: Iterable[Group]) -> list[str]:
        admitted = []
        for group in groups:
            for execution_id in list(self._waiting.get(group, ())):
                limits = self._limits[execution_id]
                if not all(self._has_room(limit) for limit in limits):
                    if any(limit.group == group and not self._has_room(limit) for limit in limits):
                        break  # The group itself is full: nobody behind it has a place either.
                    continue
                for limit in limits:
                    _remove(self._waiting, limit.group, execution_id)
                _remove(self._waiting, group, execution_id)
                self._enter(execution_id, limits)
                admitted.append(execution_id)
        return admitted

    def _enter(self, execution_id: str, limits: list[Limit]) -> None:
        for limit in limits:
            self._running.setdefault(limit.group, OrderedDict())[execution_id] = None

    def _has_room(self, limit: Limit) -> bool:
        return len(self._running.get(limit.group, ())) < limit.most


def _remove(groups: dict[Group, OrderedDict[str, None]], group: Group, execution_id: str) -> None:
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
