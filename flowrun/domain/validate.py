"""Everything that is wrong with a definition, beyond its shape: found at once, each at its place in the document."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from flowrun.domain.definition import (
    ERROR_PORT,
    MAIN_PORT,
    EdgeDefinition,
    NodeDefinition,
    OnError,
    WorkflowDefinition,
)
from flowrun.domain.expression import (
    Expression,
    ExpressionSyntaxError,
    Template,
    as_expression,
    compile_expression,
    compile_template,
    is_template,
)
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import NodeKind, NodeType, NodeTypes
from flowrun.domain.topology import Topology
from flowrun.domain.validate_loops import Bodies
from flowrun.errors import Issue

LONGEST_TIMEOUT = 30 * 86_400.0
"""Seconds."""
_NODE_NAMES = frozenset({"input", "trigger", "nodes", "vars", "execution"})
_WORKER_NAMES = _NODE_NAMES | {"secrets"}
_EDGE_NAMES = _NODE_NAMES | {"output"}
_TRIGGER_NAMES = frozenset({"trigger"})
_TRIGGER_TEMPLATES = frozenset({"map", "inputs"})
_LOOP_NAMES = frozenset({"item", "index"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ADVICE = {
    "knowledge": " here unless a plugin brings it: ask a search service with an http node, or give an agent a tool "
    "that looks things up",
    "custom": " of its own: write the type of an installed plugin into its data, as `plugin: NAME`",
}
"""What editors offer and no installation has by itself."""
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Spelling:
    """Guesses what a misspelt name was meant to be, within a budget: comparing is slow, and input may be hostile."""

    def __init__(self, comparisons: int = 20_000) -> None:
        self._comparisons = comparisons

    def closest(self, word: str, names: Collection[str]) -> str | None:
        """The name most like `word`, if one is like it at all."""
        if not word or len(word) > 64 or len(names) > self._comparisons:
            return None
        self._comparisons -= len(names)
        matches = difflib.get_close_matches(word.lower(), {name.lower(): None for name in names}, n=1)
        return next((name for name in names if name.lower() == matches[0]), None) if matches else None


def validate(definition: WorkflowDefinition, types: NodeTypes) -> list[Issue]:
    """Everything wrong with a definition, in document order: the workflow, its nodes, its edges. Empty when valid."""
    check = _Check(definition, types)
    _check_workflow(check)
    for number, node in enumerate(definition.nodes):
        _check_node(check, number, node)
    _check_edges(check)
    _check_reachability(check)
    _check_cycles(check)
    for what, number, message in check.bodies.issues():
        (check.node if what == "node" else check.edge)(number, "", message)
    _check_responses(check)
    _check_node_expressions(check)
    _check_edge_conditions(check)
    return [issue for _, issue in sorted(check.found, key=lambda entry: entry[0])]


@dataclass(slots=True)
class _Check:
    """One validation: the definition with its names resolved, and what was found so far."""

    definition: WorkflowDefinition
    types: NodeTypes
    found: list[tuple[tuple[int, int], Issue]] = field(default_factory=list)
    """Each issue with its place: (0, 0) the workflow, (1, n) a node, (2, n) an edge."""
    spelling: Spelling = field(default_factory=Spelling)
    numbers: dict[str, int] = field(init=False)
    """Where each node id stands first."""
    node_types: list[NodeType | None] = field(init=False)
    ends: list[tuple[int | None, int | None]] = field(init=False)
    """The nodes each edge joins. For a misspelt id, what was probably meant, so that it causes no further issues."""
    guesses: dict[str, str | None] = field(default_factory=dict)
    bodies: Bodies = field(init=False)
    topology: Topology = field(init=False)
    upstream: list[int] = field(init=False)
    """For each node the nodes upstream of it, as a bit mask."""

    def __post_init__(self) -> None:
        nodes, edges = self.definition.nodes, self.definition.edges
        self.numbers = {}
        for number, node in enumerate(nodes):
            self.numbers.setdefault(node.id, number)
        known = {name: self.types.get(name) for name in {node.type for node in nodes}}
        self.node_types = [known[node.type] for node in nodes]
        self.ends = [(self._resolve(edge.source), self._resolve(edge.target)) for edge in edges]
        # An edge into a trigger or to its own source is an issue of its own, and no part of the graph.
        self.bodies = Bodies(self.definition, self.node_types)
        joined = ((s, t) for s, t in self.ends if s is not None and t is not None and s != t)
        joined = ((s, t) for s, t in joined if not self.bodies.leads_back(nodes[s].id, nodes[t].id))
        self.topology = Topology(len(nodes), ((s, t) for s, t in joined if not self.is_trigger(t)))
        self.upstream = self.topology.ancestors()

    def _resolve(self, node_id: str) -> int | None:
        number = self.numbers.get(node_id)
        guess = None if number is not None else self.guess(node_id)
        return self.numbers[guess] if guess is not None else number

    def guess(self, node_id: str) -> str | None:
        """The node id that a misspelt one may have meant."""
        if node_id not in self.guesses:
            self.guesses[node_id] = self.spelling.closest(node_id, self.numbers)
        return self.guesses[node_id]

    def is_trigger(self, number: int) -> bool:
        """Whether a node is of a trigger type."""
        type_ = self.node_types[number]
        return type_ is not None and type_.kind is NodeKind.TRIGGER

    def workflow(self, path: str, message: str, suggestion: str | None = None) -> None:
        """Note an issue of the workflow as a whole."""
        self.found.append(((0, 0), Issue(path, message, suggestion)))

    def node(self, number: int, key: str, message: str, suggestion: str | None = None) -> None:
        """Note an issue of a node; `key` is relative to the node."""
        path = _joined(self.definition.nodes[number].path or f"nodes[{number}]", key)
        self.found.append(((1, number), Issue(path, message, suggestion)))

    def params(self, number: int, key: str, message: str, suggestion: str | None = None) -> None:
        """Note an issue of a node's params; `key` is relative to them."""
        path = _joined(self.definition.nodes[number].params_path or f"nodes[{number}].params", key)
        self.found.append(((1, number), Issue(path, message, suggestion)))

    def edge(self, number: int, key: str, message: str, suggestion: str | None = None) -> None:
        """Note an issue of an edge; `key` is relative to the edge."""
        path = _joined(self.definition.edges[number].path or f"edges[{number}]", key)
        self.found.append(((2, number), Issue(path, message, suggestion)))


def _joined(path: str, key: str) -> str:
    return path + key if not key or key.startswith("[") else f"{path}.{key}"


def _check_workflow(check: _Check) -> None:
    definition = check.definition
    if definition.on_error is not None and definition.on_error == definition.id:
        check.workflow("on_error", "is this workflow itself: name another one to start when this one fails")
    if definition.timeout is not None and not 0 < definition.timeout <= LONGEST_TIMEOUT:
        check.workflow("timeout", "must be more than 0 and at most 30 days")
    concurrency = definition.concurrency
    for name in ("limit", "nodes"):
        if concurrency is not None and getattr(concurrency, name) is not None and getattr(concurrency, name) < 1:
            check.workflow(f"concurrency.{name}", "must be at least 1")
    if concurrency is not None and concurrency.key is not None:
        for message, hint in _Names(check, _TRIGGER_NAMES, None).issues(concurrency.key, is_expression=True):
            check.workflow("concurrency.key", message, hint)


def _check_node(check: _Check, number: int, node: NodeDefinition) -> None:
    if check.numbers[node.id] != number:
        check.node(number, "id", f"{node.id!r} is the id of another node, too: ids must differ")
    type_ = check.node_types[number]
    if type_ is not None:
        for issue in type_.issues(node):
            check.params(number, issue.path, issue.message, issue.suggestion)
    elif node.type:
        check.node(
            number,
            "type",
            f"there is no node type {node.type!r}{_ADVICE.get(node.type, '')}",
            None if node.type in _ADVICE else check.spelling.closest(node.type, check.types.names()),
        )
    if node.timeout is not None and not 0 < node.timeout <= LONGEST_TIMEOUT:
        check.node(number, "timeout", "must be more than 0 and at most 30 days")
    retry = node.retry
    if retry is None:
        return
    if not 1 <= retry.max_attempts <= 100:
        check.node(number, "retry.max_attempts", "must be between 1 and 100")
    if not retry.initial_interval >= 0 or not math.isfinite(retry.initial_interval):
        check.node(number, "retry.initial_interval", "must be 0 or more")
    if not retry.max_interval >= 0 or not math.isfinite(retry.max_interval):
        check.node(number, "retry.max_interval", "must be 0 or more")
    if not retry.backoff >= 1 or not math.isfinite(retry.backoff):
        check.node(number, "retry.backoff", "must be 1 (a fixed interval) or more")


def _check_edges(check: _Check) -> None:
    ids: set[str] = set()
    ways: set[tuple[str, str, str, str | None]] = set()
    error_sources: set[str] = set()
    for number, edge in enumerate(check.definition.edges):
        if edge.id in ids:
            check.edge(number, "id", f"{edge.id!r} is the id of another edge, too: ids must differ")
        ids.add(edge.id)
        for key, node_id in (("source", edge.source), ("target", edge.target)):
            if node_id not in check.numbers:
                check.edge(number, key, f"there is no node {node_id!r}", check.guess(node_id))
        port = edge.source_handle or MAIN_PORT
        way = (edge.source, port, edge.target, edge.condition)
        if edge.source == edge.target:
            check.edge(number, "", f"leads from {edge.source!r} to itself; repeat work with for_each or loop")
        elif way in ways:
            check.edge(number, "", f"is the same as another edge from {edge.source!r} to {edge.target!r}: remove one")
        ways.add(way)
        if port == ERROR_PORT:
            error_sources.add(edge.source)
        _check_ends(check, number, edge, port)
    for number, node in enumerate(check.definition.nodes):
        if node.on_error is OnError.ERROR_OUTPUT and node.id not in error_sources:
            check.node(number, "on_error", "is error_output, but no edge leaves the node's error port: add one")


def _check_ends(check: _Check, number: int, edge: EdgeDefinition, port: str) -> None:
    target = check.numbers.get(edge.target)
    if target is not None and check.is_trigger(target):
        check.edge(number, "target", f"{edge.target!r} is a trigger; nothing can lead to it")
    source = check.numbers.get(edge.source)
    type_ = check.node_types[source] if source is not None else None
    if source is None or type_ is None:
        return
    node = check.definition.nodes[source]
    ports = type_.ports(node.params)
    if port == ERROR_PORT and type_.kind is not NodeKind.TRIGGER:
        if node.on_error not in {None, OnError.ERROR_OUTPUT}:
            message = f"leaves the error port of {node.id!r}, whose on_error is {node.on_error}: remove one of them"
            check.edge(number, "source_handle", message)
    elif port not in ports:
        known = ports if type_.kind is NodeKind.TRIGGER else (*ports, ERROR_PORT)
        message = f"{node.id!r} has no port {port!r}; there are {', '.join(known)}"
        check.edge(number, "source_handle", message, check.spelling.closest(port, known))


def _check_reachability(check: _Check) -> None:
    nodes = check.definition.nodes
    triggers = [number for number in range(len(nodes)) if check.is_trigger(number)]
    # A node of an unknown type may be meant as a trigger, and an edge from nowhere comes from something.
    unclear = [number for number, type_ in enumerate(check.node_types) if type_ is None]
    unclear = [number for number in unclear if not check.topology.predecessors[number]]
    if not unclear and all(nodes[number].disabled for number in triggers):
        what = "every trigger is disabled: enable one" if triggers else "there is no trigger: add one"
        check.workflow("nodes", f"{what}, such as a node of type manual or webhook, so that the workflow can start")
    if not triggers and not unclear:
        return
    assumed = [target for source, target in check.ends if source is None and target is not None]
    reached = check.topology.reachable([*triggers, *unclear, *assumed])
    for number, node in enumerate(nodes):
        if number not in reached and check.numbers[node.id] == number:
            check.node(
                number, "", f"{node.id!r} is unreachable: no trigger leads to it; add an edge to it or remove it"
            )


def _check_cycles(check: _Check) -> None:
    for cycle in check.topology.cycles():
        ids = [check.definition.nodes[number].id for number in (*cycle, cycle[0])]
        shown = ids if len(ids) <= 12 else [*ids[:6], "…", *ids[-5:]]
        message = f"{' → '.join(shown)} is a cycle; repeat work with a for_each or loop node instead"
        check.node(cycle[0], "", message)


def _check_responses(check: _Check) -> None:
    """What the webhooks whose callers wait for the result ask of the workflow."""
    responds = any(node.type == "respond" and not node.disabled for node in check.definition.nodes)
    routes: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for number, node in enumerate(check.definition.nodes):
        mode = node.params.get("response_mode", node.params.get("responseMode"))
        if node.type != "webhook" or node.disabled or mode not in ("last_node", "response_node"):
            continue
        if mode == "response_node" and not responds:
            key = "response_mode" if "response_mode" in node.params else "responseMode"
            check.params(number, key, "is response_node, but the workflow has no respond node: add one")
        path = node.params.get("path")
        if not isinstance(path, str):
            continue
        methods = _methods(node.params.get("methods"))
        others = routes.setdefault(_route(path), [])
        rival = next((other for other, theirs in others if theirs & methods), None)
        if rival is not None:
            message = f"is the route of {rival!r}, too, and both answer their caller with a result: only one can"
            check.params(number, "path", message)
        others.append((node.id, methods))


def _route(path: str) -> str:
    """A path without the names of its variables: `orders/{id}` and `/orders/{order}` are one route."""
    segments = path.strip("/").split("/")
    return "/".join("{}" if part.startswith("{") and part.endswith("}") else part for part in segments)


def _methods(value: JsonValue) -> frozenset[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list):
        return frozenset({"POST"})
    return frozenset(method.upper() for method in given if isinstance(method, str))


class _Names:
    """Checks the expressions of one place, where some names and some nodes are known."""

    def __init__(self, check: _Check, names: frozenset[str], upstream: int | None) -> None:
        self._check = check
        self._names = names
        self._upstream = upstream
        """The nodes that may be referred to, as a bit mask; None when that is no matter."""

    def issues(self, text: str, *, is_expression: bool) -> Iterator[tuple[str, str | None]]:
        """A message and a suggestion for everything wrong in one text."""
        compiled: Expression | Template
        try:
            if is_expression:
                compiled = compile_expression(as_expression(text))
            elif is_template(text):
                compiled = compile_template(text)
            else:
                return
        except ExpressionSyntaxError as error:
            place = f" (at character {error.position + 1})" if error.position is not None else ""
            yield f"is not a valid expression: {str(error).rstrip('.')}{place}", None
            return
        for name in sorted(compiled.names - self._names):
            yield self._unknown(name)
        if "nodes" in self._names:
            yield from self._node_issues(sorted(compiled.node_refs))
        for node_id in sorted(compiled.resume_refs):
            number = self._check.numbers.get(node_id)
            type_ = None if number is None else self._check.node_types[number]
            if number is None or (type_ is not None and not type_.awaits_signal):
                yield f"there is no node {node_id!r} that waits for a signal", self._check.guess(node_id)

    def _unknown(self, name: str) -> tuple[str, str | None]:
        if name in _LOOP_NAMES:
            return f"{name!r} is known only in the body of a for_each or loop", None
        if name == "output":
            return "'output' is known only in the conditions of edges; a node's is nodes.<id>.output", None
        if name == "secrets":
            return "'secrets' can be used only in the params of nodes that workers run, such as http", None
        known = ", ".join(sorted(self._names))
        return f"{name!r} is not known here; there is {known}", self._check.spelling.closest(name, self._names)

    def _node_issues(self, node_ids: list[str]) -> Iterator[tuple[str, str | None]]:
        for node_id in node_ids:
            number = self._check.numbers.get(node_id)
            if number is None:
                yield f"there is no node {node_id!r}", self._check.guess(node_id)
            elif self._upstream is not None and not self._upstream >> number & 1:
                yield f"refers to node {node_id!r}, which is not upstream: no path leads from it to here", None


def _names_for(type_: NodeType | None) -> frozenset[str]:
    """The names that the params of a node may use; of an unknown type nothing is known to be wrong."""
    if type_ is None or type_.kind is NodeKind.WORKER:
        return _WORKER_NAMES
    return _TRIGGER_NAMES if type_.kind is NodeKind.TRIGGER else _NODE_NAMES


def _check_node_expressions(check: _Check) -> None:
    for number, node in enumerate(check.definition.nodes):
        type_ = check.node_types[number]
        known = _names_for(type_) | (_LOOP_NAMES if node.id in check.bodies.inside else frozenset())
        known |= {"index"} if type_ is not None and type_.repeats else frozenset()
        names = _Names(check, known, check.upstream[number])
        for key, text, is_expression in _texts(node.params, type_):
            for message, hint in names.issues(text, is_expression=is_expression):
                check.params(number, key, message, hint)


def _check_edge_conditions(check: _Check) -> None:
    for number, edge in enumerate(check.definition.edges):
        if edge.condition is None:
            continue
        source = check.ends[number][0]
        upstream = None if source is None else check.upstream[source] | 1 << source
        known = _EDGE_NAMES | (_LOOP_NAMES if edge.source in check.bodies.inside else frozenset())
        for message, hint in _Names(check, known, upstream).issues(edge.condition, is_expression=True):
            check.edge(number, "condition", message, hint)


def _texts(params: JsonObject, type_: NodeType | None) -> Iterator[tuple[str, str, bool]]:
    """The path of every text within params, the text, and whether it is an expression even without braces."""
    patterns = type_.expression_params if type_ is not None else frozenset()
    # What a node type resolves by itself is no template, unless it is an expression. A trigger's map is both.
    deferred = type_.deferred_params if type_ is not None else frozenset()
    if type_ is not None and type_.kind is NodeKind.TRIGGER:
        deferred -= _TRIGGER_TEMPLATES
    pending: list[tuple[str, str, JsonValue, bool]] = [
        (_key_path("", key), _snake(key), value, _snake(key) in deferred) for key, value in reversed(params.items())
    ]
    while pending:
        path, pattern, value, only_expressions = pending.pop()
        if isinstance(value, str):
            is_expression = pattern in patterns
            if is_expression or not only_expressions:
                yield path, value, is_expression
        elif isinstance(value, dict):
            pending.extend(
                (_key_path(path, key), f"{pattern}.{_snake(key)}", item, only_expressions)
                for key, item in reversed(value.items())
            )
        elif isinstance(value, list):
            pending.extend(
                (f"{path}[{index}]", f"{pattern}[]", value[index], only_expressions)
                for index in reversed(range(len(value)))
            )


def _key_path(path: str, key: str) -> str:
    if not _SIMPLE_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key[:100], ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def _snake(key: str) -> str:
    return _CAMEL.sub("_", key).lower()
