"""What the parts of a picture mean: roles of lines and signs, what is selected, what is under the mouse."""

from unit.tui.shapes import SHAPES, shape, states

from tui.render.canvas import Box, row_text
from tui.render.charset import ASCII, UNICODE
from tui.render.graph import Zoom, arrange, paint, plan_graph, tree_layout
from tui.render.states import MAIN, NodeState, glyph

FAILING = shape("hook -> fetch -> store -> end; fetch -error-> alert; store -error-> alert")


def drawn(graph, now, zoom=Zoom.COMPACT, **options):
    return paint(arrange(plan_graph(graph), zoom), states(now), **options)


def roles(rows, chars):
    """The roles of every character of these, row by row."""
    return [[run.role for run in row if set(run.text) & set(chars)] for row in rows]


def test_the_way_that_was_taken_differs_from_the_others():
    rows = drawn(FAILING, "hook completed; fetch failed; alert running; store skipped; end skipped")
    assert roles(rows[:1], "▸")[0] == ["edge.taken", "edge", "edge"]
    assert set(roles(rows[1:], "╍")[0]) == {"edge.error.taken"}
    rows = drawn(FAILING, "hook completed; fetch completed; store completed; end completed; alert skipped")
    assert roles(rows[:1], "▸")[0] == ["edge.taken"] * 3
    assert set(roles(rows[1:], "╌")[0]) == {"edge.error"}


def test_a_failure_that_was_ignored_leaves_the_way_taken():
    rows = drawn(shape("a -> b -> c"), "a completed; b failed; c completed")
    assert roles(rows, "▸") == [["edge.taken", "edge.taken"]]


def test_of_two_edges_into_one_node_the_one_that_was_taken_is_seen_with_and_without_colour():
    graph = SHAPES["example-refund-approval"]
    asked = "asked completed via asked->small; refunded completed; refused skipped; "
    small = drawn(graph, asked + "small completed via small->refunded:true; decide skipped")
    assert "┏━true━" in row_text(small[0])
    assert "─approved─" in row_text(small[1])
    assert "━▸ ✔ refunded" in row_text(small[1])
    assert roles(small[1:2], "┺") == [["edge.taken"]]
    by_hand = drawn(
        graph, asked + "small completed via small->decide:false; decide completed via decide->refunded:approved"
    )
    assert "╭─true─" in row_text(by_hand[0])
    assert "━false━" in row_text(by_hand[1])
    assert "━approved━" in row_text(by_hand[1])
    assert {"port", "port.taken"} == {run.role for row in by_hand for run in row if run.role.startswith("port")}


def test_what_a_node_has_taken_is_seen_before_the_next_one_begins():
    graph = shape("a -> b -> c")
    now = {"a": NodeState("completed", taken=frozenset({MAIN}))}
    (row,) = paint(arrange(plan_graph(graph)), now)
    assert roles([row], "▸") == [["edge.taken", "edge"]]


def test_a_branch_that_comes_into_the_line_of_another_node_says_from_where():
    rows = drawn(SHAPES["swap"], "")
    assert "○ a ─┬─▴─▸ ○ x" in row_text(rows[0]), "a does not lead to q"
    assert "v" in row_text(drawn(SHAPES["errors-to-one"], "", charset=ASCII)[1])


def test_signs_and_names_have_the_roles_of_their_states():
    (row,) = drawn(shape("a -> b -> c"), "a completed; b running")
    found = {run.text.strip(): run.role for run in row}
    assert found["✔"] == "state.completed"
    assert found["●"] == "state.running"
    assert found["○"] == "state.pending"
    assert (found["b"], found["c"]) == ("name", "name.dim")


def test_the_frame_of_a_loop_that_runs_is_seen():
    graph = shape("t -> l; l -each-> a; l -done-> b")
    assert "frame" in {run.role for row in drawn(graph, "") for run in row}
    roles = {run.role for row in drawn(graph, "l running 1/2") for run in row}
    assert "frame.running" in roles
    assert "frame" not in roles


def test_the_selected_node_is_marked_with_and_without_colour():
    for zoom, sign in ((Zoom.COMPACT, "[○ b]"), (Zoom.FULL, "┃ ○ b")):
        rows = drawn(shape("a -> b"), "", zoom, selected="b")
        text = "\n".join(map(row_text, rows))
        assert sign in text
        marked = "".join(run.text for row in rows for run in row if run.marked)
        assert " b" in marked
        assert "a" not in marked


def test_what_is_under_the_mouse():
    layout = arrange(plan_graph(shape("t -> outer; outer -each-> inner; inner -each-> a; outer -done-> b")))
    box = layout.boxes["a"]
    assert layout.node_at(box.x, box.y) == "a"
    assert layout.node_at(box.x - 2, box.y) == "inner"
    assert layout.node_at(layout.regions["outer"].x + 1, layout.regions["outer"].bottom - 1) == "outer"
    assert layout.node_at(0, 0) is None
    assert layout.node_at(-1, -1) is None
    assert layout.node_at(10_000, 10_000) is None


def test_a_reference_in_a_tree_leads_to_its_node():
    layout = tree_layout(plan_graph(shape("a -> b -> d; a -> c -> d")))
    (row,) = paint(layout, {}, Box(0, layout.boxes["c"].y, layout.width, 1))
    assert layout.node_at(row_text(row).index("d"), layout.boxes["c"].y) == "d"


def test_arrow_keys_follow_edges():
    layout = arrange(plan_graph(shape("a -> b -> d; a -> c -> d; other")))
    assert layout.beside("a", "right") == "b"
    assert layout.beside("b", "down") == "c"
    assert layout.beside("c", "up") == "b"
    assert layout.beside("d", "left") == "b"
    assert layout.beside("d", "right") is None
    assert layout.beside("nobody", "left") is None


def test_a_state_that_is_not_known_is_drawn_too():
    (row,) = drawn(shape("a"), "a exploding")
    assert row_text(row).split() == [glyph("exploding", UNICODE), "a"]
