"""The graph as it is read: which edges there are, and what the service calls them."""

from __future__ import annotations

from flowrun.formats import read_workflow, to_document
from tui.render.model import Graph

_EDGES = [
    {"source": "t", "target": "a"},
    {"source": "t", "target": "a", "condition": "input.x"},
    {"id": "t->b", "source": "t", "target": "c"},
    {"source": "t", "target": "b"},
    {"source": "t", "target": "b", "condition": "input.y"},
    {"source": "a", "target": "c", "source_handle": "error"},
]


def test_edges_have_the_ids_that_the_service_gives_them():
    nodes = [{"id": "t", "type": "manual"}, *({"id": node, "type": "noop"} for node in "abc")]
    nodes[1]["on_error"] = "error_output"
    read = read_workflow({"id": "w", "nodes": nodes, "edges": _EDGES})
    assert read.definition is not None, read.issues
    ids = [edge.id for edge in Graph.read(to_document(read.definition)).edges]
    assert ids == [edge.id for edge in read.definition.edges]
    assert len(set(ids)) == len(ids)
