"""The event triggers of published workflows by tenant and type: an index, so that ten thousand cost what ten do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flowrun.domain.json import JsonObject
from flowrun.ports import EventMatch

_ALL = "*"
_REST = ".*"

_Waiting = dict[tuple[str, str], EventMatch]
"""By workflow and node."""


@dataclass(slots=True, eq=False)
class _Branch:
    """The types that begin alike, up to one of their dots."""

    below: dict[str, _Branch] = field(default_factory=dict)
    waiting: _Waiting = field(default_factory=dict)
    """What waits for every type that begins so."""

    @property
    def empty(self) -> bool:
        return not (self.below or self.waiting)


@dataclass(slots=True, eq=False)
class _Tenant:
    exact: dict[str, _Waiting] = field(default_factory=dict)
    root: _Branch = field(default_factory=_Branch)


class EventIndex:
    """See `flowrun.ports.EventTriggers`."""

    def __init__(self) -> None:
        self._tenants: dict[str, _Tenant] = {}
        self._patterns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        """By tenant and workflow: the node and the pattern of each of its triggers."""

    def match(self, tenant_id: str, event_type: str) -> Sequence[EventMatch]:
        """See `flowrun.ports.EventTriggers.match`."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            return ()
        found = list(tenant.exact.get(event_type, {}).values())
        for branch in _beginnings(tenant.root, event_type):
            found.extend(branch.waiting.values())
        return found

    def replace(self, tenant_id: str, workflow_id: str, triggers: Sequence[tuple[str, JsonObject]]) -> None:
        """See `flowrun.ports.EventTriggers.replace`."""
        for node_id, pattern in self._patterns.pop((tenant_id, workflow_id), ()):
            self._remove(tenant_id, pattern, (workflow_id, node_id))
        if not triggers:
            return
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        patterns = self._patterns[tenant_id, workflow_id] = []
        for node_id, config in triggers:
            pattern = str(config["event_type"])
            match = EventMatch(tenant_id, workflow_id, node_id, config)
            _place(tenant, pattern)[workflow_id, node_id] = match
            patterns.append((node_id, pattern))

    def _remove(self, tenant_id: str, pattern: str, key: tuple[str, str]) -> None:
        tenant = self._tenants[tenant_id]
        if pattern.endswith(_ALL):
            _prune(tenant.root, _segments(pattern), key)
        else:
            waiting = tenant.exact[pattern]
            waiting.pop(key, None)
            if not waiting:
                del tenant.exact[pattern]
        if tenant.root.empty and not tenant.exact:
            del self._tenants[tenant_id]


def _segments(pattern: str) -> list[str]:
    return [] if pattern == _ALL else pattern.removesuffix(_REST).split(".")


def _place(tenant: _Tenant, pattern: str) -> _Waiting:
    if not pattern.endswith(_ALL):
        return tenant.exact.setdefault(pattern, {})
    branch = tenant.root
    for segment in _segments(pattern):
        branch = branch.below.setdefault(segment, _Branch())
    return branch.waiting


def _beginnings(root: _Branch, event_type: str) -> Iterator[_Branch]:
    """Every branch that the type begins with, the shortest first: `order.*` is no beginning of `order` itself."""
    yield root
    branch: _Branch | None = root
    for segment in event_type.split(".")[:-1]:
        branch = branch.below.get(segment) if branch is not None else None
        if branch is None:
            return
        yield branch


def _prune(branch: _Branch, segments: Sequence[str], key: tuple[str, str]) -> None:
    """Remove what waits at the end of a pattern, and the branches that lead nowhere then."""
    if not segments:
        branch.waiting.pop(key, None)
        return
    child = branch.below[segments[0]]
    _prune(child, segments[1:], key)
    if child.empty:
        del branch.below[segments[0]]
