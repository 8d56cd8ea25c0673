"""What a test case may say of the nodes of its workflow: that they are there, and take what it gives them."""

from __future__ import annotations

import re

from flowrun.domain.definition import NodeDefinition, WorkflowDefinition
from flowrun.domain.node_type import NodeKind, NodeType, NodeTypes
from flowrun.formats.cases import split_label
from flowrun.formats.fields import Fields, Problems

SUB_WORKFLOW = "workflow"
_ITERATION = re.compile(r"\d+(\.\d+)*", re.ASCII)


class CaseNodes:
    """The nodes of the workflow that cases are about."""

    def __init__(self, definition: WorkflowDefinition, types: NodeTypes, problems: Problems) -> None:
        self._types = types
        self._problems = problems
        self._nodes = {node.id: node for node in definition.nodes}

    def kind(self, node: NodeDefinition | None) -> NodeType | None:
        """The type of a node; None when there is no such node or type, of which others complain."""
        return None if node is None else self._types.get(node.type)

    def node(self, node_id: str, path: str) -> NodeDefinition | None:
        """The node of that id."""
        node = self._nodes.get(node_id)
        if node is None:
            hint = self._problems.spelling.closest(node_id, self._nodes)
            self._problems.add(path, f"there is no node {node_id!r}", hint)
        return node

    def run(self, label: str, path: str) -> NodeDefinition | None:
        """The node of a label such as `fetch[2]`."""
        node_id, iteration = split_label(label)
        if iteration and not _ITERATION.fullmatch(iteration):
            self._problems.add(path, "must name an iteration by its number, as in fetch[0], or fetch[3.0] in two loops")
        return self.node(node_id, path)

    def trigger(self, fields: Fields) -> str | None:
        """The trigger that a case names."""
        node_id = fields.identifier("trigger")
        if not node_id:
            return None
        kind = self.kind(self.node(node_id, fields.path_of("trigger")))
        if kind is not None and kind.kind is not NodeKind.TRIGGER:
            fields.complain("trigger", f"{node_id} is no trigger")
        return node_id

    def mocked(self, label: str, path: str) -> tuple[NodeDefinition, NodeType] | None:
        """The node that a mock is for: one that would reach the world."""
        node = self.run(label, path)
        kind = self.kind(node)
        if node is None or kind is None:
            return None
        if kind.kind is not NodeKind.WORKER and kind.name != SUB_WORKFLOW:
            what = "starts executions" if kind.kind is NodeKind.TRIGGER else "runs for real in a test"
            self._problems.add(path, f"a node of type {kind.name} {what}: it takes no mock")
        return node, kind

    def check_signal(self, signal: Fields) -> None:
        """Complain when nothing waits for a signal."""
        label, name = signal.identifier("node"), signal.text("name")
        if bool(label) == bool(name):
            self._problems.add(signal.path, "needs a node or a name, one of them")
        elif label:
            node = self.run(label, signal.path_of("node"))
            kind = self.kind(node)
            if node is not None and kind is not None and not kind.awaits_signal:
                signal.complain("node", f"{node.id} waits for no signal")
        else:
            waits = [node for node in self._nodes.values() if (kind := self.kind(node)) and kind.awaits_signal]
            names = [str(node.params.get("name") or node.id) for node in waits]
            if name not in names:
                hint = self._problems.spelling.closest(name, names)
                signal.complain("name", "no node waits for this signal", hint)
