"""The webhooks of published workflows by tenant and path: a trie, so that ten thousand cost what ten do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flowrun.domain.json import JsonObject
from flowrun.ports import RouteMatch
from flowrun.triggers.paths import VARIABLE, pattern_segments, request_segments


@dataclass(slots=True, eq=False)
class _Listener:
    webhook_id: str
    workflow_id: str
    node_id: str
    config: JsonObject
    methods: frozenset[str]
    variables: dict[str, int]
    """The place of each path variable among the segments."""


@dataclass(slots=True, eq=False)
class _Branch:
    """One segment of the paths that begin alike."""

    literals: dict[str, _Branch] = field(default_factory=dict)
    variable: _Branch | None = None
    listeners: list[_Listener] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.literals or self.variable or self.listeners)


class RouteIndex:
    """See `flowrun.ports.Routes`. A literal segment wins over a variable one; equal paths all match."""

    def __init__(self) -> None:
        self._roots: dict[str, _Branch] = {}
        self._paths: dict[tuple[str, str], list[list[str]]] = {}
        """By tenant and workflow: the patterns that it listens on."""

    def match(self, tenant_id: str, method: str, path: str) -> Sequence[RouteMatch]:
        """Every webhook that listens there; `path` is what follows the tenant, percent-encoded as it was sent."""
        root = self._roots.get(tenant_id)
        segments = request_segments(path) if root is not None else None
        if root is None or segments is None:
            return ()
        for branch in _branches(root, segments, 0):
            found = [
                _match(tenant_id, listener, segments) for listener in branch.listeners if method in listener.methods
            ]
            if found:
                return found
        return ()

    def methods(self, tenant_id: str, path: str) -> frozenset[str]:
        """The methods that some webhook takes on that path."""
        root = self._roots.get(tenant_id)
        segments = request_segments(path)
        if root is None or segments is None:
            return frozenset()
        return frozenset(
            method
            for branch in _branches(root, segments, 0)
            for listener in branch.listeners
            for method in listener.methods
        )

    def replace(self, tenant_id: str, workflow_id: str, routes: Sequence[tuple[str, str, JsonObject]]) -> None:
        """Let a workflow's webhooks be these `(webhook id, node id, config)`, and no others."""
        self._remove(tenant_id, workflow_id)
        if not routes:
            return
        root = self._roots.setdefault(tenant_id, _Branch())
        patterns = self._paths[tenant_id, workflow_id] = []
        for webhook_id, node_id, config in routes:
            pattern, variables = pattern_segments(str(config["path"]))
            listener = _Listener(webhook_id, workflow_id, node_id, config, _methods(config), variables)
            _descend(root, pattern).listeners.append(listener)
            patterns.append(pattern)

    def _remove(self, tenant_id: str, workflow_id: str) -> None:
        root = self._roots.get(tenant_id)
        if root is None:
            return
        for pattern in self._paths.pop((tenant_id, workflow_id), ()):
            _prune(root, pattern, 0, workflow_id)
        if root.empty:
            del self._roots[tenant_id]


def _methods(config: JsonObject) -> frozenset[str]:
    methods = config.get("methods")
    return frozenset(str(method) for method in methods) if isinstance(methods, list) else frozenset({"POST"})


def _match(tenant_id: str, listener: _Listener, segments: Sequence[str]) -> RouteMatch:
    return RouteMatch(
        webhook_id=listener.webhook_id,
        tenant_id=tenant_id,
        workflow_id=listener.workflow_id,
        node_id=listener.node_id,
        config=listener.config,
        path_params={name: segments[place] for name, place in listener.variables.items()},
    )


def _branches(branch: _Branch, segments: Sequence[str], depth: int) -> Iterator[_Branch]:
    """Every branch that fits the whole path, the most literal one first."""
    if depth == len(segments):
        yield branch
        return
    literal = branch.literals.get(segments[depth])
    if literal is not None:
        yield from _branches(literal, segments, depth + 1)
    if branch.variable is not None:
        yield from _branches(branch.variable, segments, depth + 1)


def _descend(branch: _Branch, pattern: Sequence[str]) -> _Branch:
    for segment in pattern:
        if segment != VARIABLE:
            branch = branch.literals.setdefault(segment, _Branch())
            continue
        if branch.variable is None:
            branch.variable = _Branch()
        branch = branch.variable
    return branch


def _prune(branch: _Branch, pattern: Sequence[str], depth: int, workflow_id: str) -> None:
    """Remove a workflow's listeners at the pattern's end, and the branches that lead nowhere then."""
    if depth == len(pattern):
        branch.listeners = [listener for listener in branch.listeners if listener.workflow_id != workflow_id]
        return
    segment = pattern[depth]
    child = branch.variable if segment == VARIABLE else branch.literals.get(segment)
    if child is None:
        return
    _prune(child, pattern, depth + 1, workflow_id)
    if child.empty and segment == VARIABLE:
        branch.variable = None
    elif child.empty:
        del branch.literals[segment]
