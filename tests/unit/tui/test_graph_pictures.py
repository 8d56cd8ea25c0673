"""Graphs as they are drawn, compared with text files that people have looked at."""

import pytest
from unit.tui.pictures import PICTURES, check, text_of
from unit.tui.shapes import SHAPES, states
from unit.tui.test_bar_pictures import BARS

from tui.render.charset import ASCII
from tui.render.graph import Zoom, arrange, paint, plan_graph, tree_layout

RUNNING = {
    "triage": "hook completed; fetch completed; score completed; enrich failed; agent running",
    "loop": "start completed; items running 3/10; price completed 4/10; check running 3/10",
    "loops-nested": "start completed; orders running 1/4; lines running 20/12000; price running 20/12000",
    "errors-to-one": "hook completed; fetch completed; score failed; store skipped; reply skipped; alert running",
    "order-pipeline": "hook completed; verify completed; reserve completed; charge retrying; reject skipped",
    "example-refund-approval": "asked completed; small completed; decide waiting",
    "example-refund-approval--small": "asked completed via asked->small; small completed via small->refunded:true;"
    "decide skipped; refused skipped; refunded completed",
    "example-refund-approval--approved": "asked completed via asked->small; small completed via small->decide:false;"
    "decide completed via decide->refunded:approved; refused skipped; refunded completed",
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_picture_of(name):
    graph = SHAPES[name]
    plan = plan_graph(graph)
    compact = arrange(plan)
    sections = {}
    if not compact.dense:
        sections["compact"] = text_of(paint(compact, {}))
        sections["ascii"] = text_of(paint(compact, {}, charset=ASCII))
        sections["glyph"] = text_of(paint(arrange(plan, Zoom.GLYPH), {}))
    if len(graph.nodes) <= 15:
        sections["full"] = text_of(paint(arrange(plan, Zoom.FULL), {}))
    sections["tree"] = text_of(paint(tree_layout(plan), {}))
    check(name, sections)


@pytest.mark.parametrize("name", RUNNING)
def test_the_picture_of_a_running(name):
    plan = plan_graph(SHAPES[name.partition("--")[0]])
    now = states(RUNNING[name])
    selected = next((node for node, state in now.items() if state.status not in {"completed", "skipped"}), None)
    zooms = {zoom.value: arrange(plan, zoom) for zoom in (Zoom.COMPACT, Zoom.FULL, Zoom.GLYPH)}
    zooms["tree"] = tree_layout(plan)
    sections = {title: text_of(paint(layout, now, selected=selected)) for title, layout in zooms.items()}
    sections["ascii"] = text_of(paint(zooms["compact"], now, selected=selected, charset=ASCII))
    check(f"running-{name}", sections)


def test_no_picture_is_left_over():
    wanted = {*SHAPES, *(f"running-{name}" for name in RUNNING), *BARS}
    assert {path.stem for path in PICTURES.glob("*.txt")} == wanted
