"""A definition made ready to run: an adjacency list with compiled expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flowrun.domain.definition import (
    ERROR_PORT,
    MAIN_PORT,
    Concurrency,
    EdgeDefinition,
    Join,
    NodeDefinition,
    OnError,
    RetryPolicy,
    WorkflowDefinition,
)
from flowrun.domain.expression import (
    Expression,
    Template,
    as_expression,
    compile_expression,
    compile_template,
    is_template,
)
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import EACH_PORT, NodeKind, NodeType, NodeTypes
from flowrun.domain.regions import innermost, loop_bodies
from flowrun.errors import InvalidInputError

RESPOND = "respond"
"""The type whose nodes answer the waiting caller."""


@dataclass(slots=True, eq=False)
class Edge:
    """One edge; `index` is its place in the definition."""

    index: int
    id: str
    source: Node
    target: Node
    port: str
    condition: Expression | None


@dataclass(slots=True, eq=False)
class Node:
    """One node with its edges, its effective settings and its compiled params."""

    index: int
    id: str
    type: NodeType
    join: Join
    on_error: OnError
    retry: RetryPolicy
    retry_written: bool
    """The policy is the author's own, not the type's default."""
    timeout: float
    retry_on_interrupt: bool
    disabled: bool
    params: Template
    deferred: JsonObject
    """Params that are handed on as written."""
    constant: JsonObject | None
    """The checked params of a node that has no expression in them."""
    ins: list[Edge] = field(default_factory=list)
    out: list[Edge] = field(default_factory=list)
    plain: bool = True
    """Every outgoing edge is an unconditional one of the main port."""
    loop: Node | None = None
    """The loop whose body the node belongs to."""
    body: list[Node] = field(default_factory=list)
    """Of a loop: the nodes that run anew in each iteration, without those of loops within it."""
    depth: int = 0
    """In how many loops the node is."""
    signal: str | None = None
    """The name of the signal that the node waits for, if it does."""
    asks: bool = False
    """The signal is the answer to a form."""


@dataclass(slots=True, eq=False)
class Graph:
    """One version of one workflow, ready to run."""

    workflow_id: str
    version: int
    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    """In the definition's order: an edge's index is its place."""
    top: int
    """How many nodes are in no loop."""
    triggers: tuple[Node, ...]
    responders: tuple[Node, ...]
    waits: tuple[Node, ...]
    """Those that wait for a signal."""
    timeout: float | None
    on_error: str | None
    variables: JsonObject
    concurrency: Concurrency | None = None
    concurrency_key: Expression | None = None

    @property
    def running_nodes(self) -> int | None:
        """How many of the workflow's nodes may run at once; None is no limit."""
        return self.concurrency.nodes if self.concurrency is not None else None

    def trigger(self, node_id: str | None) -> Node:
        """The trigger to fire: the named one, else the first manual one, else the first.

        Raises `InvalidInputError` when the workflow has no such trigger.
        """
        for node in self.triggers:
            if node.id == node_id:
                return node
        if node_id is not None or not self.triggers:
            raise InvalidInputError(f"The workflow {self.workflow_id} has no trigger {node_id or ''}".rstrip())
        return next((node for node in self.triggers if node.type.name == "manual"), self.triggers[0])


def compile_graph(definition: WorkflowDefinition, version: int, types: NodeTypes) -> Graph:
    """Make a valid definition ready to run; what validation refuses raises `InvalidInputError` or `KeyError`."""
    failing = {edge.source for edge in definition.edges if edge.source_handle == ERROR_PORT}
    nodes = {node.id: _node(index, node, types, node.id in failing) for index, node in enumerate(definition.nodes)}
    edges = tuple(_edge(index, edge, nodes) for index, edge in enumerate(definition.edges))
    _place_in_loops(nodes, edges)
    for edge in edges:
        if edge.source.loop is not None and edge.target is _loop_around(edge.source, edge.target):
            continue  # Drawn back to the loop by hand: an iteration ends there by itself.
        edge.source.out.append(edge)
        edge.target.ins.append(edge)
        if edge.port != MAIN_PORT or edge.condition is not None:
            edge.source.plain = False
    return Graph(
        workflow_id=definition.id,
        version=version,
        nodes=nodes,
        edges=edges,
        top=sum(node.loop is None for node in nodes.values()),
        triggers=tuple(n for n in nodes.values() if n.type.kind is NodeKind.TRIGGER and not n.disabled),
        responders=tuple(n for n in nodes.values() if n.type.name == RESPOND),
        waits=tuple(n for n in nodes.values() if n.signal is not None and not n.disabled),
        timeout=definition.timeout,
        on_error=definition.on_error,
        variables=dict(definition.variables),
        concurrency=definition.concurrency,
        concurrency_key=_concurrency_key(definition),
    )


def _concurrency_key(definition: WorkflowDefinition) -> Expression | None:
    key = definition.concurrency.key if definition.concurrency else None
    return compile_expression(as_expression(key)) if key else None


def _place_in_loops(nodes: Mapping[str, Node], edges: tuple[Edge, ...]) -> None:
    loops = [node.id for node in nodes.values() if node.type.kind is NodeKind.LOOP]
    if not loops:
        return
    bodies = loop_bodies(loops, [(edge.source.id, edge.target.id, edge.port == EACH_PORT) for edge in edges])
    for node_id, loop_id in innermost(bodies).items():
        nodes[node_id].loop = nodes[loop_id]
        nodes[loop_id].body.append(nodes[node_id])
    for node in nodes.values():
        around = node.loop
        while around is not None:
            node.depth, around = node.depth + 1, around.loop
        node.body.sort(key=lambda one: one.index)


def _loop_around(node: Node, wanted: Node) -> Node | None:
    """The loop `wanted`, if the node is in it."""
    around = node.loop
    while around is not None and around is not wanted:
        around = around.loop
    return around


def is_within(node: Node, loop: Node) -> bool:
    """Whether the node is in the body of the loop, or in that of a loop within it."""
    return _loop_around(node, loop) is not None


def _edge(index: int, edge: EdgeDefinition, nodes: Mapping[str, Node]) -> Edge:
    return Edge(
        index=index,
        id=edge.id,
        source=nodes[edge.source],
        target=nodes[edge.target],
        port=edge.source_handle or MAIN_PORT,
        condition=compile_expression(as_expression(edge.condition)) if edge.condition else None,
    )


def _node(index: int, node: NodeDefinition, types: NodeTypes, has_error_edge: bool) -> Node:
    kind = types.get(node.type)
    if kind is None:
        raise InvalidInputError(f"Unknown node type {node.type!r}")
    is_trigger = kind.kind is NodeKind.TRIGGER
    deferred = {name: node.params[name] for name in kind.deferred_params if name in node.params}
    live = {} if is_trigger else {name: value for name, value in node.params.items() if name not in deferred}
    params = compile_template(expressions_marked(live, kind.expression_params))
    default = OnError.ERROR_OUTPUT if has_error_edge else OnError.FAIL
    return Node(
        index=index,
        id=node.id,
        type=kind,
        join=node.join,
        on_error=node.on_error or default,
        retry=node.retry or kind.default_retry,
        retry_written=node.retry is not None,
        timeout=kind.default_timeout if node.timeout is None else node.timeout,
        retry_on_interrupt=node.retry_on_interrupt,
        disabled=node.disabled,
        params=params,
        deferred=deferred,
        constant=kind.check({**live, **deferred}) if params.constant and not is_trigger else None,
        signal=str(node.params.get("name") or node.id) if kind.awaits_signal else None,
        asks=kind.awaits_signal and bool(node.params.get("form") or node.params.get("approval")),
    )


def expressions_marked(params: JsonObject, paths: frozenset[str]) -> JsonObject:
    """The params with braces put around the strings that are expressions by themselves."""
    for path in paths:
        head, *rest = path.split(".")
        params = _marked(params, [head, *rest])
    return params


def _marked(value: JsonObject, path: list[str]) -> JsonObject:
    name, rest = path[0].removesuffix("[]"), path[1:]
    if name not in value:
        return value
    return {**value, name: _mark_inner(value[name], path[0].endswith("[]"), rest)}


def _mark_inner(value: JsonValue, each: bool, rest: list[str]) -> JsonValue:
    if each:
        return [_mark_inner(item, False, rest) for item in value] if isinstance(value, list) else value
    if rest:
        return _marked(value, rest) if isinstance(value, dict) else value
    if isinstance(value, str) and not is_template(value):
        return "{{ " + value + " }}"
    return value


def descendants(node: Node) -> set[str]:
    """The ids of every node that can be reached from `node`, without itself."""
    found: set[str] = set()
    for child in _walk(node):
        found.add(child.id)
    found.discard(node.id)
    return found


def _walk(start: Node) -> Iterator[Node]:
    seen, stack = {start.id}, [start]
    while stack:
        node = stack.pop()
        yield node
        for edge in node.out:
            if edge.target.id not in seen:
                seen.add(edge.target.id)
                stack.append(edge.target)
