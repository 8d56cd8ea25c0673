"""A short notation for workflows: `graph("t -> a -> b; a -error-> c; join b any")`.

Statements end with `;` or a line's end. Nodes stand in the order in which they are first named, edges in the order
in which they are written; both orders matter to the semantics.

    a -> b -> c            edges of the main port
    a -true-> b            an edge of another port
    a -[output.x > 1]-> b  an edge with a condition (also `-true[output.x > 1]->`)
    a: if {"condition": "input.x"}   the node's type, and its params as JSON
    join b any             also: on_error a continue, timeout a 5, retry a 3, retry a {"max_attempts": 2, …}
    disabled a, no_interrupt a

A node of no given type is a trigger (`manual`) when it is called t, t1, t2 …, else a `step` for a worker.
Edge ids are `source>target`, with `:port` unless it is main, and `#2` when that is taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from typing import Any

from support.node_types import TYPES

from flowrun.domain.definition import (
    EdgeDefinition,
    Join,
    NodeDefinition,
    OnError,
    RetryPolicy,
    WorkflowDefinition,
)
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.node_type import NodeTypes

_ARROW = re.compile(r"\s+(?:-(?P<port>\w*)(?:\[(?P<condition>.*?)\])?)?->\s+")
_TYPED = re.compile(r"(?P<id>[\w-]+):\s*(?P<type>\w+)\s*(?P<params>\{.*\})?")
_RETRY_FIELDS = {field.name for field in fields(RetryPolicy)}


def graph(text: str, *, types: NodeTypes = TYPES, version: int = 1, **settings: Any) -> Graph:
    """The workflow that the text describes, ready to run; `settings` are fields of the definition."""
    return compile_graph(definition(text, **settings), version, types)


def definition(text: str, **settings: Any) -> WorkflowDefinition:
    """The workflow that the text describes."""
    parser = _Parser()
    for statement in re.split(r";|\n", text):
        if statement.strip():
            parser.read(statement.strip())
    base = WorkflowDefinition("w", "w", tuple(parser.nodes.values()), tuple(parser.edges.values()))
    return replace(base, **settings)


class _Parser:
    def __init__(self) -> None:
        self.nodes: dict[str, NodeDefinition] = {}
        self.edges: dict[str, EdgeDefinition] = {}

    def read(self, statement: str) -> None:
        typed = _TYPED.fullmatch(statement)
        if typed:
            params = json.loads(typed["params"] or "{}")
            self._change(typed["id"], type=typed["type"], params=params)
            return
        word, _, rest = statement.partition(" ")
        setting = getattr(self, f"_set_{word}", None)
        if setting is not None:
            node_id, _, value = rest.partition(" ")
            setting(node_id, value)
        else:
            self._read_chain(statement)

    def _read_chain(self, statement: str) -> None:
        parts = _ARROW.split(statement)
        for place in range(0, len(parts), 3):
            self._change(parts[place].strip())
        for place in range(3, len(parts), 3):
            source, port, condition, target = parts[place - 3 : place + 1]
            self._add_edge(source.strip(), target.strip(), port or None, condition)

    def _add_edge(self, source: str, target: str, port: str | None, condition: str | None) -> None:
        name = f"{source}>{target}" + (f":{port}" if port else "")
        edge_id, number = name, 1
        while edge_id in self.edges:
            number += 1
            edge_id = f"{name}#{number}"
        self.edges[edge_id] = EdgeDefinition(edge_id, source, target, port, condition)

    def _change(self, node_id: str, **changes: Any) -> None:
        kind = "manual" if re.fullmatch(r"t\d*", node_id) else "step"
        present = self.nodes.get(node_id) or NodeDefinition(node_id, kind)
        self.nodes[node_id] = replace(present, **changes)

    def _set_join(self, node_id: str, value: str) -> None:
        self._change(node_id, join=Join(value))

    def _set_on_error(self, node_id: str, value: str) -> None:
        self._change(node_id, on_error=OnError(value))

    def _set_timeout(self, node_id: str, value: str) -> None:
        self._change(node_id, timeout=float(value))

    def _set_retry(self, node_id: str, value: str) -> None:
        given = json.loads(value)
        settings = given if isinstance(given, dict) else {"max_attempts": given}
        assert settings.keys() <= _RETRY_FIELDS
        if "non_retryable" in settings:
            settings["non_retryable"] = tuple(settings["non_retryable"])
        self._change(node_id, retry=RetryPolicy(**settings))

    def _set_disabled(self, node_id: str, _value: str) -> None:
        self._change(node_id, disabled=True)

    def _set_no_interrupt(self, node_id: str, _value: str) -> None:
        self._change(node_id, retry_on_interrupt=False)
