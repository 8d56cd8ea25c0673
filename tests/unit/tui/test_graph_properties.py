"""What holds of the picture of any graph: nothing overlaps, every edge can be followed, cutting out is cutting out."""

from collections import Counter, defaultdict
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.tui.shapes import SHAPES

from tui.render.canvas import SPACE, Box, Run, row_text
from tui.render.charset import ASCII
from tui.render.graph import Graph, Zoom, arrange, best_layout, follow, paint, plan_graph, tree_layout
from tui.render.states import NodeState
from tui.render.text import cells

PORTS = st.sampled_from(["", "", "", "error", "true", "false", "each", "done", "ein-längerer-Name"])
STATUSES = ("pending", "queued", "running", "completed", "failed", "skipped", "retrying", "no such state")
ZOOMS = (Zoom.FULL, Zoom.COMPACT, Zoom.GLYPH)


@st.composite
def graphs(draw):
    """Any edges at all: what no validation would let through must not break the picture either."""
    size = draw(st.integers(1, 14))
    ids = draw(st.sampled_from(["n{}", "名前{}", "a-rather-long-name-for-node-{}"]))
    names = st.text(st.characters(codec="utf-8"), max_size=12)
    nodes = [{"id": ids.format(n), "type": "http", "name": draw(names)} for n in range(size)]
    ends = st.integers(0, size - 1)
    forward = draw(st.booleans())
    edges = []
    for a, b, port in draw(st.lists(st.tuples(ends, ends, PORTS), max_size=24)):
        source, target = (min(a, b), max(a, b)) if forward else (a, b)
        edges.append({"source": ids.format(source), "target": ids.format(target), "source_handle": port})
    return Graph.read({"nodes": nodes, "edges": edges})


def layouts(graph):
    plan = plan_graph(graph)
    return [*(arrange(plan, zoom) for zoom in ZOOMS), tree_layout(plan)]


def states_of(graph):
    return {
        node: NodeState(STATUSES[number % len(STATUSES)], done=number, total=10_000)
        for number, node in enumerate(graph.nodes)
    }


@given(graphs())
def test_no_two_nodes_overlap(graph):
    for layout in layouts(graph):
        assert set(layout.boxes) == set(graph.nodes)
        for one, other in combinations(layout.boxes.values(), 2):
            assert not one.overlaps(other)
        whole = Box(0, 0, layout.width, layout.height)
        for box in (*layout.boxes.values(), *layout.regions.values()):
            assert whole.contains(box.x, box.y)
            assert whole.contains(box.right - 1, box.bottom - 1)


@given(graphs())
def test_every_edge_can_be_followed_from_its_source_to_its_target(graph):
    plan = plan_graph(graph)
    for zoom in ZOOMS:
        layout = arrange(plan, zoom)
        for edge in graph.edges:
            if edge in plan.undrawn:
                assert edge.source in plan.returns
                continue
            wires = [wire for wire in layout.wires if edge in wire.edges]
            reached = _reached(wires, _cells(layout, edge.source, edge.target))
            assert reached & _cells(layout, edge.target, edge.source), f"{edge} at {zoom}"


def _cells(layout, node, other):
    """Where an edge may begin or end: the node's box, or the frame that stands for it in the other's eyes."""
    around = [
        box for name, box in layout.regions.items() if name == node or (_inside(layout, node, box) and name != other)
    ]
    boxes = [layout.boxes[node]] if node not in layout.regions else []
    return {(x, y) for box in (*around, *boxes) for x in range(box.x, box.right) for y in range(box.y, box.bottom)}


def _inside(layout, node, box):
    return box.contains(layout.boxes[node].x, layout.boxes[node].y)


def _reached(wires, start):
    near = defaultdict(set)
    for wire in wires:
        path = [(x, y) for x in range(wire.x0, wire.x1 + 1) for y in range(wire.y0, wire.y1 + 1)]
        for one, other in pairwise(path):
            near[one].add(other)
            near[other].add(one)
    found = {cell for cell in near if cell in start}
    pending = list(found)
    while pending:
        for cell in near[pending.pop()] - found:
            found.add(cell)
            pending.append(cell)
    return found


@given(graphs())
def test_edges_share_a_line_only_when_they_share_an_end(graph):
    for zoom in ZOOMS:
        layout = arrange(plan_graph(graph), zoom)
        lines = defaultdict(set)
        for wire in layout.wires:
            steps = range(wire.x0, wire.x1) if wire.y0 == wire.y1 else range(wire.y0, wire.y1)
            for step in steps:
                lines[(step, wire.y0, "-") if wire.y0 == wire.y1 else (wire.x0, step, "|")].update(wire.edges)
        pairs = Counter((edge.source, edge.target) for edge in graph.edges)
        for edges in map(tuple, lines.values()):
            sources = {edge.source for edge in edges}
            targets = {edge.target for edge in edges}
            # Where all of a group lead to all of another, one line for all of them is true.
            everyone = all((source, target) in pairs for source in sources for target in targets)
            assert len(sources) == 1 or len(targets) == 1 or everyone or _by_frames(layout, edges)


def _by_frames(layout, edges):
    """Edges out of, or into, a frame share its side."""
    return any(
        all(_inside(layout, edge.source, box) for edge in edges)
        or all(_inside(layout, edge.target, box) for edge in edges)
        for box in layout.regions.values()
    )


@given(graphs())
def test_no_text_is_drawn_over_a_node_or_over_other_text(graph):
    for layout in layouts(graph):
        taken = set()
        for box in layout.boxes.values():
            taken |= {(x, y) for x in range(box.x, box.right) for y in range(box.y, box.bottom)}
        for note in (*layout.notes, *layout.arrows):
            place = {(note.x + n, note.y) for n in range(max(1, cells(note.text)))}
            assert not place & taken
            taken |= place


@given(graphs(), st.integers(-5, 60), st.integers(-3, 12), st.integers(0, 50), st.integers(0, 12))
def test_a_crop_is_cut_out_of_the_whole(graph, x, y, width, height):
    crop = Box(x, y, width, height)
    states, selected = states_of(graph), next(iter(graph.nodes))
    for layout in layouts(graph):
        whole = paint(layout, states, selected=selected)
        assert [len(cut(row, 0, layout.width)) for row in whole] == [layout.width] * layout.height
        blank = [(" ", SPACE, False)] * width
        for place, row in enumerate(paint(layout, states, crop, selected)):
            inside = 0 <= y + place < layout.height
            expected = cut(whole[y + place], x, width) if inside else blank
            assert cut(row, 0, width) == expected


def cut(row: tuple[Run, ...], left: int, width: int):
    """The cells of a piece of a row; half a wide character is a space."""
    found = []
    for run in row:
        for char in run.text:
            size = cells(char)
            if size == 0 and found:
                found[-1 if found[-1][0] else -2] = (found[-1 if found[-1][0] else -2][0] + char, run.role, run.marked)
            else:
                found.extend((part, run.role, run.marked) for part in ([char] if size == 1 else [char, ""]))
    piece = [found[x] if 0 <= x < len(found) else (" ", SPACE, False) for x in range(left, left + width)]
    if piece and piece[0][0] == "":
        piece[0] = (" ", *piece[0][1:])
    if piece and 0 <= left + width < len(found) and found[left + width][0] == "":
        piece[-1] = (" ", *piece[-1][1:])
    return piece


@given(graphs())
def test_ascii_is_nothing_but_ascii(graph):
    for layout in layouts(graph):
        for row in paint(layout, states_of(graph), selected=next(iter(graph.nodes)), charset=ASCII):
            assert row_text(row).isascii()
            assert row_text(row).isprintable()


@given(graphs())
def test_painting_another_state_changes_no_position(graph):
    for layout in layouts(graph):
        plain, painted = paint(layout, {}), paint(layout, states_of(graph))
        assert [cells(row_text(row)) for row in plain] == [cells(row_text(row)) for row in painted]


@given(graphs(), st.integers(1, 30), st.integers(1, 8))
def test_following_brings_a_node_into_sight(graph, width, height):
    for layout in layouts(graph):
        crop = Box(0, 0, width, height)
        for node, box in layout.boxes.items():
            crop = follow(layout, node, crop)
            assert crop.contains(box.x, box.y)
            assert follow(layout, node, crop) == crop
            assert layout.node_at(box.x, box.y) == node


@given(graphs())
def test_arrow_keys_go_where_they_say(graph):
    for layout in layouts(graph):
        for node, box in layout.boxes.items():
            right, down = layout.beside(node, "right"), layout.beside(node, "down")
            assert right is None or layout.boxes[right].x > box.x
            assert down is None or layout.boxes[down].y + layout.boxes[down].height // 2 > box.y + box.height // 2
            assert layout.beside(node, "left") != node


@pytest.mark.parametrize("name", ["triage", "loops-nested", "thicket-100", "fan-10", "nothing"])
def test_the_best_layout_fits_or_can_be_panned_over(name):
    plan = plan_graph(SHAPES[name])
    for width, height in ((200, 60), (80, 20), (20, 5)):
        layout = best_layout(plan, width, height)
        fits = layout.width <= width and layout.height <= height
        assert fits or layout.zoom in {Zoom.COMPACT, Zoom.TREE}
    assert (best_layout(plan, 80, 24).zoom is Zoom.TREE) == (name == "thicket-100")
