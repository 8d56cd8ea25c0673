"""What distinguishes the shapes in which workflows arrive, and how a shape is told from its document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flowrun.domain.json import JsonObject, JsonValue

_DRAWING = frozenset(
    {
        "width", "height", "initial_width", "initial_height", "measured", "selected", "dragging", "resizing",
        "position_absolute", "source_position", "target_position", "style", "class_name", "hidden", "draggable",
        "selectable", "connectable", "deletable", "focusable", "z_index", "parent_id", "parent_node", "extent",
        "expand_parent", "aria_label", "aria_role", "drag_handle", "handles", "origin", "dom_attributes",
        "animated", "marker_start", "marker_end", "interaction_width", "path_options", "updatable",
        "reconnectable", "label_style", "label_show_bg", "label_bg_style", "label_bg_padding",
        "label_bg_border_radius", "source_node", "target_node", "created_at", "updated_at",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one shape is to be read."""

    name: str
    ignored: frozenset[str] = frozenset({"created_at", "updated_at"})
    """Keys of nodes and edges that only the editor that wrote them needs."""
    label_is_port: bool = False
    """Whether the label of an edge that leaves a branching node names its port; else it is a caption."""
    label_is_name: bool = False
    """Whether `label` among a node's params is the node's name."""
    drawn_edges: bool = False
    """Whether an edge's `type` may say how it is drawn (`smoothstep`)."""


PLAIN = Dialect("plain")
"""Our own schema, and the stored shape (A)."""
EDITOR = Dialect("editor", ignored=_DRAWING, label_is_port=True, label_is_name=True)
"""What the visual editor saves (B)."""
REACT_FLOW = Dialect("react_flow", ignored=_DRAWING, label_is_name=True, drawn_edges=True)
"""A React Flow document (C)."""


def entries(value: JsonValue) -> Iterator[JsonValue]:
    """The nodes or edges of a document, be they a list or a mapping from ids."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def detect(graph: JsonObject) -> Dialect:
    """The shape of the object that has the nodes."""
    if isinstance(graph.get("edges"), dict) or "forest" in graph or "paths" in graph or "execution" in graph:
        return EDITOR
    if "viewport" in graph or any(isinstance(node, dict) and "data" in node for node in entries(graph.get("nodes"))):
        return REACT_FLOW
    handles = ("sourceHandle", "targetHandle")
    if any(isinstance(edge, dict) and any(key in edge for key in handles) for edge in entries(graph.get("edges"))):
        return REACT_FLOW
    return PLAIN
