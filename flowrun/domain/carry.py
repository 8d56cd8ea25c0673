"""Carrying the results of an execution over to another version of its workflow, for a rerun from a node.

What a result took are edges of the version that it ran in. In the new one it takes those that leave by the same ports,
and it counts only for a node that is still what it was and whose input comes from where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from graphlib import TopologicalSorter

from flowrun.domain import events as e
from flowrun.domain.advance import join_runs
from flowrun.domain.definition import Join
from flowrun.domain.evolve import evolve, is_decided
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.graph import Edge, Graph, Node
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import EACH_PORT, NodeKind
from flowrun.domain.ports_left import left_by, taken_by
from flowrun.domain.scope import condition_holds
from flowrun.errors import ConflictError

Results = dict[str, tuple[int, e.Event]]
"""The final event of each node outside of loops, and its time (ms)."""
_Ended = e.NodeCompleted | e.NodeFailed


def carry_over(results: Results, old: Graph, execution: Execution, from_node: str) -> Results:
    """The results that count in the execution's graph too, in their order, with the edges that they take there.

    The execution must have begun (`ExecutionCreated`) and nothing else; it is used up. Skipped nodes aren't among the
    results: the engine skips them anew, for what are now the reasons.
    Raises `ConflictError` when a result cannot be carried over, and its node cannot simply run again.
    """
    carrier = _Carrier(results, old, execution, from_node)
    for node in _in_order(execution.graph):
        carrier.judge(node)
    return {node: carrier.kept[node] for node in results if node in carrier.kept}


def _in_order(graph: Graph) -> Iterator[Node]:
    """The nodes outside of loops, parents first."""
    parents = {node.id: [edge.source.id for edge in node.ins] for node in graph.nodes.values() if node.loop is None}
    return (graph.nodes[node] for node in TopologicalSorter(parents).static_order())


class _Carrier:
    """Walks through the new graph and applies what counts there to an execution of it, which tells what follows."""

    def __init__(self, results: Results, old: Graph, execution: Execution, from_node: str) -> None:
        self._results = results
        self._old = old
        self._execution = execution
        self._from = from_node
        self._again: set[str] = set()
        """Nodes that run though they may have a result, and all that they lead to."""
        self._taken = {
            edge
            for node, (_, event) in results.items()
            if isinstance(event, _Ended) and node in old.nodes
            for edge in taken_by(old.nodes[node], event)
        }
        self.kept: Results = {}

    def judge(self, node: Node) -> None:
        """Say what becomes of one node, all of whose parents have been judged."""
        run = self._execution.run_of(node, "")
        if node.id == self._from or any(edge.source.id in self._again for edge in node.ins):
            self._again.add(node.id)
        elif not is_decided(node.join, run, len(node.ins)):
            return  # It waits for a node that had not ended; that one runs again by itself.
        elif not join_runs(run) or self._is_other_trigger(node):
            evolve(self._execution, e.NodeSkipped(node.id, "", "", node.id), self._execution.created_at)
        elif not self._keep(node, run):
            self._again.add(node.id)

    def _is_other_trigger(self, node: Node) -> bool:
        return node.type.kind is NodeKind.TRIGGER and node.id != self._execution.trigger_node

    def _keep(self, node: Node, run: NodeRun) -> bool:
        """Keep the node's result if it counts; False when what follows must not count either."""
        at, event = self._results.get(node.id, (0, None))
        before = self._old.nodes.get(node.id)
        if before is None or not _is_same(before, node):
            return False
        if event is None or (isinstance(event, e.NodeFailed) and event.handling in {"fail", "drain"}):
            return True  # It had not ended, or failed for good: it runs again, as in a rerun of the same version.
        if not isinstance(event, _Ended) or not self._fits(before, node, event):
            return False
        taken = self._translated(before, run, event, at)
        if taken is None:
            return False
        kept = replace(event, taken=taken)
        evolve(self._execution, kept, at)
        self.kept[node.id] = (at, kept)
        return True

    def _fits(self, before: Node, node: Node, event: _Ended) -> bool:
        """Whether the node would have had the same parents' outputs, and what became of its failure."""
        if isinstance(event, e.NodeFailed) and event.handling != node.on_error.value:
            return False
        then = {edge.source.id for edge in before.ins if edge.id in self._taken}
        run = self._execution.run_of(node, "")
        now = {self._execution.graph.edges[index].source.id for index in run.taken}
        # Of an `any` join one parent was enough, and which of several others came later says nothing.
        return now <= then if node.join is Join.ANY and node.ins else now == then

    # --- the edges that a result takes

    def _translated(self, before: Node, run: NodeRun, event: _Ended, at: int) -> list[str] | None:
        """The edges of the new graph; None when they cannot be told, but the node may decide on them again."""
        taken = []
        for edge in run.node.out:
            takes = edge.port != EACH_PORT and self._takes(before, run, event, edge, at)
            if takes is None and before.type.kind is NodeKind.ENGINE and not event.taken:
                return None  # It is pure, and nothing has followed from it that would happen a second time.
            if takes is None:
                message = f"Nothing tells whether {before.id} would have left by its port {edge.port}"
                raise ConflictError(f"{message}, which version {self._old.version} didn't use; rerun from {before.id}")
            if takes:
                taken.append(edge.id)
        return taken

    def _takes(self, before: Node, run: NodeRun, event: _Ended, edge: Edge, at: int) -> bool | None:
        for same in before.out:
            if (same.port, _source(same)) == (edge.port, _source(edge)):
                return same.id in self._taken  # As it was decided then.
        left = left_by(before, event, edge.port)
        return self._holds(run, event, edge, at) if left and edge.condition is not None else left

    def _holds(self, run: NodeRun, event: _Ended, edge: Edge, at: int) -> bool:
        assert edge.condition is not None  # noqa: S101 - asked of such edges only
        error = event.error if isinstance(event, e.NodeFailed) else None
        try:
            return condition_holds(self._execution, run, edge.condition, self._payload(run, event), at, error)
        except ExpressionError as unclear:
            message = f"The condition of the edge {edge.id}, new in this version, fails on the result of {run.node.id}"
            raise ConflictError(f"{message}: {unclear}; rerun from {run.node.id}") from unclear

    def _payload(self, run: NodeRun, event: _Ended) -> JsonValue:
        if isinstance(event, e.NodeCompleted):
            return event.output
        return (
            {"error": event.error, "input": self._execution.input_of(run)}
            if event.handling == "error_output"
            else event.error
        )


def _source(edge: Edge) -> str | None:
    return None if edge.condition is None else edge.condition.source


def _is_same(before: Node, node: Node) -> bool:
    """Whether both are of one type and in the same loop; a loop's result counts only with the nodes that made it."""
    if _type(before) != _type(node) or _loop(before) != _loop(node):
        return False
    body = {one.id: one for one in node.body}
    return body.keys() == {one.id for one in before.body} and all(_is_same(one, body[one.id]) for one in before.body)


def _type(node: Node) -> str:
    # A trigger gives the execution's input, whatever its type.
    return node.type.kind if node.type.kind is NodeKind.TRIGGER else node.type.name


def _loop(node: Node) -> str | None:
    return None if node.loop is None else node.loop.id
