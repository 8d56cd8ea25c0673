"""The picture of a workflow: plan it once, lay it out once for each zoom, paint it as often as states change."""

from __future__ import annotations

from tui.render.arrange import Plan, arrange_layers, plan_graph
from tui.render.canvas import Box
from tui.render.layout import Layout, Zoom
from tui.render.model import Graph
from tui.render.paint import paint
from tui.render.tree import tree_layout

__all__ = ["Graph", "Layout", "Plan", "Zoom", "arrange", "best_layout", "follow", "paint", "plan_graph", "tree_layout"]

MOST_BOXES = 60
"""Nodes beyond which boxes never fit a terminal."""
MOST_ITEMS = 10_000
"""Nodes and pieces of lanes beyond which no picture is tried."""
MARGIN = 2
"""Cells that stay in sight around a node that is followed."""


def arrange(plan: Plan, zoom: Zoom = Zoom.COMPACT) -> Layout:
    """Give everything a place. States and colours come when it is painted.

    A graph that would take seconds, and that nobody could read, becomes a tree at any zoom.
    """
    return tree_layout(plan) if zoom is Zoom.TREE or plan.items > MOST_ITEMS else arrange_layers(plan, zoom)


def best_layout(plan: Plan, width: int, height: int) -> Layout:
    """The largest zoom that fits; when none does, labels to be panned over, or a tree for a thicket."""
    if plan.dense:
        return tree_layout(plan)
    if len(plan.graph.nodes) <= MOST_BOXES:
        full = arrange(plan, Zoom.FULL)
        if full.width <= width and full.height <= height and not full.dense:
            return full
    compact = arrange(plan, Zoom.COMPACT)
    return tree_layout(plan) if compact.dense else compact


def follow(layout: Layout, node: str, crop: Box) -> Box:
    """The crop moved as little as is needed for the node to be in sight, and not beyond the picture."""
    box = layout.boxes.get(node)
    if box is None:
        return crop
    x = _reach(crop.x, crop.width, box.x, box.width, layout.width)
    y = _reach(crop.y, crop.height, box.y, box.height, layout.height)
    return Box(x, y, crop.width, crop.height)


def _reach(start: int, length: int, at: int, size: int, whole: int) -> int:
    """Where a window of this length must begin; the begin of what is larger than the window comes first."""
    start = min(max(start, at + size + MARGIN - length), at - MARGIN if size + 2 * MARGIN <= length else at)
    return max(0, min(start, whole - length))
