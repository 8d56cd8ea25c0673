"""By which ports a node left that ran in an earlier version: told from its final event."""

from __future__ import annotations

from flowrun.domain.definition import ERROR_PORT, MAIN_PORT
from flowrun.domain.events import NodeCompleted, NodeFailed
from flowrun.domain.graph import Node
from flowrun.domain.node_type import APPROVED_PORT, DONE_PORT, EACH_PORT, REJECTED_PORT, TIMEOUT_PORT, NodeKind

_BRANCHES = frozenset({"if", "switch", "decision"})
"""Types that leave by what they choose and, in every case, by `main`."""
_SEVERAL = "decision"
"""The one of them that may choose several ports."""
_MAY_STOP = "filter"
"""The type that may leave by no port at all."""


def taken_by(node: Node, event: NodeCompleted | NodeFailed) -> set[str]:
    """The ids of the edges out of the node that its final event took."""
    if event.taken is not None:
        return set(event.taken)
    return {edge.id for edge in node.out if edge.port not in {ERROR_PORT, EACH_PORT}}


def left_by(node: Node, event: NodeCompleted | NodeFailed, port: str) -> bool | None:
    """Whether the node left by a port, `node` being as it was when it ran; None when nothing tells."""
    if isinstance(event, NodeFailed):
        return (port == ERROR_PORT) == (event.handling == "error_output")
    if port == ERROR_PORT:
        return False
    if event.taken is None:
        return port == MAIN_PORT
    used = {edge.port for edge in node.out if edge.id in event.taken}
    if port in used or any(edge.port == port and edge.condition is None for edge in node.out):
        return port in used
    if node.disabled or _has_main_alone(node):
        return port == MAIN_PORT
    return _left_by_nature(node, event, port, chosen=used - {MAIN_PORT})


def _has_main_alone(node: Node) -> bool:
    return node.type.name != _MAY_STOP and node.type.ports({}) == (MAIN_PORT,)


def _left_by_nature(node: Node, event: NodeCompleted, port: str, chosen: set[str]) -> bool | None:
    """What the type says of a port that no edge tells of; an operator who skips a node may choose otherwise."""
    if event.by is not None:
        return None
    if node.type.kind is NodeKind.LOOP:
        return port in {DONE_PORT, MAIN_PORT}
    if node.type.awaits_signal:
        return port in _answered(event)
    if node.type.name not in _BRANCHES:
        return None
    if port == MAIN_PORT:
        return True
    return False if chosen and node.type.name != _SEVERAL else None


def _answered(event: NodeCompleted) -> set[str]:
    output = event.output if isinstance(event.output, dict) else {}
    if output.get("timed_out") is True:
        return {TIMEOUT_PORT}
    approved = output.get("approved")
    if approved is None:
        return {MAIN_PORT}
    return {APPROVED_PORT, MAIN_PORT} if approved else {REJECTED_PORT}
