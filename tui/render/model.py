"""The graph of a workflow as far as it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ERROR = "error"
EACH = "each"
_MAIN = frozenset({"", "main", "default", "success"})


@dataclass(frozen=True, slots=True)
class Node:
    """One node; `name` is its id when it has no name of its own."""

    id: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge; `port` is empty for the main one."""

    index: int
    source: str
    target: str
    port: str
    id: str = ""

    @property
    def error(self) -> bool:
        """Whether it is taken when its source fails."""
        return self.port == ERROR


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order of the definition, and the edges between them."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Graph:
        """The graph of a workflow document. What can't be drawn, an edge to nowhere, is left out."""
        nodes: dict[str, Node] = {}
        for node in _mappings(document.get("nodes")):
            name = str(node.get("id", ""))
            nodes.setdefault(name, Node(name, str(node.get("type") or ""), str(node.get("name") or name)))
        edges: list[Edge] = []
        written = _mappings(document.get("edges"))
        for edge, id_ in zip(written, _ids(written), strict=True):
            source, target = str(edge.get("source")), str(edge.get("target"))
            if source in nodes and target in nodes:
                edges.append(Edge(len(edges), source, target, _port(edge), id_))
        return cls(nodes, tuple(edges))


def _ids(edges: Sequence[Mapping[str, Any]]) -> list[str]:
    """The id of each edge. Those that aren't written the service makes, and so it calls them in events."""
    used = {str(edge["id"]) for edge in edges if edge.get("id")}
    found = []
    for edge in edges:
        handle = _handle(edge)
        base = id_ = str(edge.get("id") or "") or f"{edge.get('source')}->{edge.get('target')}{handle and ':'}{handle}"
        number = 1
        while not edge.get("id") and id_ in used:
            number += 1
            id_ = f"{base}#{number}"
        used.add(id_)
        found.append(id_)
    return found


def _handle(edge: Mapping[str, Any]) -> str:
    return str(edge.get("source_handle") or edge.get("sourceHandle") or "")


def _mappings(values: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list | tuple) else []


def _port(edge: Mapping[str, Any]) -> str:
    port = _handle(edge)
    if port in _MAIN:
        return ERROR if edge.get("type") == "failure" else ""
    return port
