"""What is asked of loops: a body, and no way into it or out of it but the loop's own ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flowrun.domain.definition import MAIN_PORT, WorkflowDefinition
from flowrun.domain.node_type import EACH_PORT, NodeKind, NodeType
from flowrun.domain.regions import loop_bodies


class Bodies:
    """The bodies of a definition's loops."""

    def __init__(self, definition: WorkflowDefinition, types: Sequence[NodeType | None]) -> None:
        loops = [
            node.id
            for node, type_ in zip(definition.nodes, types, strict=True)
            if type_ is not None and type_.kind is NodeKind.LOOP
        ]
        edges = [(edge.source, edge.target, edge.source_handle == EACH_PORT) for edge in definition.edges]
        self._definition = definition
        self.of_loop = loop_bodies(loops, edges)
        self.inside: set[str] = set().union(*self.of_loop.values())
        """The nodes within any loop."""

    def leads_back(self, source: str, target: str) -> bool:
        """Whether an edge leads from a body back to its loop: it is drawn for people, and no cycle."""
        return source in self.of_loop.get(target, ())

    def issues(self) -> Iterator[tuple[str, int, str]]:
        """What is wrong: `node` or `edge`, its number, the message."""
        repeated = {edge.source for edge in self._definition.edges if edge.source_handle == EACH_PORT}
        for number, node in enumerate(self._definition.nodes):
            if node.id in self.of_loop and node.id not in repeated:
                yield "node", number, f"{node.id!r} has nothing to repeat: let an edge leave its port 'each'"
        for number, edge in enumerate(self._definition.edges):
            for loop, body in self.of_loop.items():
                if edge.target not in body or edge.source in body:
                    continue
                port = edge.source_handle or MAIN_PORT
                if edge.source != loop:
                    yield (
                        "edge",
                        number,
                        f"leads into the body of the loop {loop!r} from outside: only its port 'each' may",
                    )
                elif port != EACH_PORT:
                    yield "edge", number, f"leads from the port {port!r} of the loop {loop!r} into its own body"
