"""What a workflow means, computed naively from its definition: the oracle of the property tests.

Written from SEMANTICS §2 and §5, not from the engine: it walks the nodes once in topological order and says for each
edge whether it is taken, dead or unresolved. It knows no time, no workers and no order of arrival. Only `join: any`
depends on an order: which taken parent came first is asked of `first`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flowrun.domain.definition import EdgeDefinition, Join, NodeDefinition, OnError, RetryPolicy, WorkflowDefinition
from flowrun.domain.json import JsonValue

BROKEN = "1 / 0 > 0"
CONDITIONS: Mapping[str, Callable[[JsonValue], bool]] = {
    "true": lambda _payload: True,
    "false": lambda _payload: False,
    "output.flag": lambda payload: isinstance(payload, dict) and bool(payload.get("flag")),
    "not output.flag": lambda payload: not (isinstance(payload, dict) and bool(payload.get("flag"))),
}
"""What conditions of edges mean; `BROKEN` is the one that cannot be evaluated."""


@dataclass(frozen=True)
class Behaviour:
    """What a node does whenever it runs."""

    output: JsonValue = None
    ports: tuple[str, ...] = ("main",)
    failures: int = 0
    """Attempts that fail, retryable, before the one that counts."""
    error: str | None = None
    """The error that the counting attempt fails with, for good."""
    timed_out: bool = False
    """The failures are timeouts."""
    wait_ms: int = 0
    responds: bool = False


@dataclass
class NodeResult:
    """What becomes of one node."""

    state: str
    input: JsonValue = None
    output: JsonValue = None
    error: JsonValue = None
    attempts: int = 0
    origins: frozenset[str] = frozenset()
    """Where its skipping may be said to have begun; more than one only for `all_required`."""


@dataclass
class Meaning:
    """What becomes of an execution."""

    nodes: dict[str, NodeResult] = field(default_factory=dict)
    edges: dict[str, str] = field(default_factory=dict)
    """`taken`, `dead` or `unresolved`."""
    unhandled: list[JsonValue] = field(default_factory=list)
    """Failures that end the execution; which of them comes first depends on the order of the results."""
    output: JsonValue = None

    @property
    def status(self) -> str:
        """The execution's final status."""
        return "failed" if self.unhandled else "completed"


class _BrokenConditionError(Exception):
    pass


def error_of(node: str, kind: str) -> JsonValue:
    """An error object as far as it is compared."""
    return {"error_of": node, "type": kind}


def interpret(
    definition: WorkflowDefinition,
    behaviours: Mapping[str, Behaviour],
    trigger: str,
    body: JsonValue,
    first: Callable[[str, list[str]], str],
) -> Meaning:
    """The meaning of one execution."""
    reading = _Reading(definition, behaviours, trigger, body, first)
    for node in _in_order(definition):
        reading.visit(node)
    reading.meaning.output = reading.final_output()
    return reading.meaning


def _in_order(definition: WorkflowDefinition) -> list[NodeDefinition]:
    left, done, order = list(definition.nodes), set(), []
    while left:
        free = next(n for n in left if all(e.source in done for e in definition.edges if e.target == n.id))
        left.remove(free)
        done.add(free.id)
        order.append(free)
    return order


class _Reading:
    def __init__(self, definition, behaviours, trigger, body, first) -> None:
        self.definition, self.behaviours = definition, behaviours
        self.trigger, self.body, self.first = trigger, body, first
        self.meaning = Meaning()
        self.payloads: dict[str, JsonValue] = {}
        self.answer: list[JsonValue] = []

    def visit(self, node: NodeDefinition) -> None:
        ins = [edge for edge in self.definition.edges if edge.target == node.id]
        taken = [edge for edge in ins if self.meaning.edges[edge.id] == "taken"]
        dead = [edge for edge in ins if self.meaning.edges[edge.id] == "dead"]
        if node.type == "manual":
            self._visit_trigger(node)
        elif self._is_pending(node, ins, taken, dead):
            self.meaning.nodes[node.id] = NodeResult("pending")
            self._resolve(node, "unresolved")
        elif not taken or (node.join is Join.ALL_REQUIRED and dead):
            self._skip(node, dead)
        else:
            self._run(node, self._input(node, taken))

    @staticmethod
    def _is_pending(node: NodeDefinition, ins: list, taken: list, dead: list) -> bool:
        unresolved = len(ins) - len(taken) - len(dead)
        if node.join is Join.ANY and taken:
            return False
        if node.join is Join.ALL_REQUIRED and dead:
            return False
        return unresolved > 0

    def _visit_trigger(self, node: NodeDefinition) -> None:
        if node.id == self.trigger:
            self._finish(node, NodeResult("completed", self.body, self.body, attempts=1), ("main",))
        else:
            self.meaning.nodes[node.id] = NodeResult("skipped", origins=frozenset({node.id}))
            self._resolve(node, "dead")

    def _skip(self, node: NodeDefinition, dead: list[EdgeDefinition]) -> None:
        origins = [self._origins(edge) for edge in dead]
        found = frozenset().union(*origins) if node.join is Join.ALL_REQUIRED else origins[0]
        self.meaning.nodes[node.id] = NodeResult("skipped", origins=found)
        self._resolve(node, "dead")

    def _origins(self, edge: EdgeDefinition) -> frozenset[str]:
        source = self.meaning.nodes[edge.source]
        return source.origins if source.state == "skipped" else frozenset({edge.source})

    def _input(self, node: NodeDefinition, taken: list[EdgeDefinition]) -> JsonValue:
        parents = list(dict.fromkeys(edge.source for edge in taken))
        if node.join is Join.ANY:
            parents = [self.first(node.id, parents)]
        if len(parents) == 1:
            return self.payloads[parents[0]]
        return {parent: self.payloads[parent] for parent in parents}

    def _run(self, node: NodeDefinition, given: JsonValue) -> None:
        behaviour = self.behaviours[node.id]
        policy = node.retry or RetryPolicy()
        if node.disabled:
            self._finish(node, NodeResult("completed", given, given, attempts=1), ("main",))
            return
        if behaviour.failures >= policy.max_attempts:
            kind = "timeout" if behaviour.timed_out else "flaky"
            state = "timed_out" if behaviour.timed_out else "failed"
            result = NodeResult(state, given, error=error_of(node.id, kind), attempts=policy.max_attempts)
        elif behaviour.error is not None:
            error = error_of(node.id, behaviour.error)
            result = NodeResult("failed", given, error=error, attempts=behaviour.failures + 1)
        else:
            result = NodeResult("completed", given, behaviour.output, attempts=behaviour.failures + 1)
            self._finish(node, result, behaviour.ports)
            return
        self._fail(node, result)

    def _finish(self, node: NodeDefinition, result: NodeResult, ports: tuple[str, ...]) -> None:
        self.payloads[node.id] = result.output
        try:
            self._take(node, ports)
        except _BrokenConditionError:
            failed = NodeResult("failed", result.input, error=error_of(node.id, "expression_error"))
            failed.attempts = result.attempts
            self._fail(node, failed)
            return
        self.meaning.nodes[node.id] = result
        behaviour = self.behaviours.get(node.id)
        if behaviour is not None and behaviour.responds and not node.disabled:
            self.answer.append(result.output["body"])

    def _fail(self, node: NodeDefinition, result: NodeResult) -> None:
        self.meaning.nodes[node.id] = result
        error_edges = [e for e in self._out(node) if e.source_handle == "error"]
        on_error = node.on_error or (OnError.ERROR_OUTPUT if error_edges else OnError.FAIL)
        ports = {edge.source_handle or "main" for edge in self._out(node)} - {"error"}
        self.payloads[node.id] = result.error
        if on_error is OnError.ERROR_OUTPUT:
            ports = {"error"}
            self.payloads[node.id] = {"error": result.error, "input": result.input}
        try:
            if on_error in {OnError.FAIL, OnError.DRAIN}:
                self._end(node, result)
            else:
                self._take(node, tuple(ports))
        except _BrokenConditionError:
            result.error = error_of(node.id, "expression_error")
            result.state = "failed"
            self._end(node, result)

    def _end(self, node: NodeDefinition, result: NodeResult) -> None:
        self.meaning.unhandled.append(result.error)
        self._resolve(node, "unresolved")

    def _take(self, node: NodeDefinition, ports: tuple[str, ...]) -> None:
        found = {}
        for edge in self._out(node):
            chosen = (edge.source_handle or "main") in ports
            if chosen and edge.condition == BROKEN:
                raise _BrokenConditionError
            holds = edge.condition is None or CONDITIONS.get(edge.condition, bool)(self.payloads[node.id])
            found[edge.id] = "taken" if chosen and holds else "dead"
        self.meaning.edges.update(found)

    def _resolve(self, node: NodeDefinition, how: str) -> None:
        self.meaning.edges.update({edge.id: how for edge in self._out(node)})

    def _out(self, node: NodeDefinition) -> list[EdgeDefinition]:
        return [edge for edge in self.definition.edges if edge.source == node.id]

    def final_output(self) -> JsonValue:
        if self.meaning.unhandled:
            return None
        if self.answer:
            return self.answer[0]
        done = [node for node in self.definition.nodes if self.meaning.nodes[node.id].state == "completed"]
        exits = [node for node in done if not self._out(node)]
        if not exits:
            exits = [n for n in done if all(self.meaning.edges[e.id] != "taken" for e in self._out(n))]
        outputs = {node.id: self.meaning.nodes[node.id].output for node in exits}
        if len(outputs) == 1:
            return next(iter(outputs.values()))
        return outputs or None
