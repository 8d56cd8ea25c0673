"""What node runs say about nodes, and what a state looks like."""

from datetime import UTC, datetime, timedelta

import pytest
from unit.tui.shapes import shape

from tui.render.charset import ASCII, UNICODE
from tui.render.scopes import bodies_of
from tui.render.states import MAIN, NodeState, fold, glyph, moment, state_role

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(node, status, iteration="", **fields):
    return {"node_id": node, "status": status, "iteration": iteration, **fields}


def test_every_state_has_a_sign_of_one_cell_and_a_role():
    for charset in (UNICODE, ASCII):
        assert all(len(sign) == 1 for sign in charset.glyphs.values())
    assert UNICODE.glyphs.keys() == ASCII.glyphs.keys()
    assert [glyph(s) for s in ("queued", "running", "completed", "skipped", "failed", "paused", "retrying")] == list(
        "◷●✔○✖ǁ↻"
    )
    assert glyph("no such state") == "?"
    assert state_role("running") == "state.running"
    assert state_role("no such state") == "state.unknown"


def test_the_states_of_a_graph_without_loops():
    begun = (NOW - timedelta(seconds=12)).isoformat()
    states = fold(
        [
            run("a", "completed", duration=0.4, attempt=1),
            run("b", "retrying", started_at=begun, attempt=2),
            run("c", "pending", attempt=0),
        ],
        NOW,
    )
    assert states == {
        "a": NodeState("completed", attempt=1, duration=0.4),
        "b": NodeState("retrying", attempt=2, duration=12),
        "c": NodeState("pending"),
    }


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        (("completed", "running", "failed"), "running"),
        (("completed", "failed", "completed"), "failed"),
        (("completed", "waiting"), "waiting"),
        (("completed", "skipped"), "completed"),
        (("something new",), "something new"),
    ],
)
def test_of_many_iterations_the_most_important_one_is_shown(statuses, shown):
    (state,) = fold([run("a", status, str(n)) for n, status in enumerate(statuses)], NOW).values()
    assert state.status == shown
    assert state.total == len(statuses)


def test_a_loop_counts_the_iterations_of_its_body():
    graph = shape("t -> each; each -each-> a -> b; each -done-> end")
    runs = [run("each", "running"), run("a", "completed", "0"), run("b", "completed", "0"), run("a", "running", "1")]
    assert fold(runs, NOW, bodies_of(graph))["each"] == NodeState("running", done=1)
    runs = [run("each", "completed"), run("a", "completed", "0"), run("a", "failed", "1")]
    assert fold(runs, NOW, bodies_of(graph))["each"] == NodeState("completed", done=2, total=2)


def test_a_loop_that_began_with_its_items_says_how_many_there_are():
    bodies = bodies_of(shape("t -> each; each -each-> a"))
    body = [run("a", "completed", "0"), run("a", "running", "1")]
    assert fold([run("each", "running", total=5), *body], NOW, bodies)["each"] == NodeState("running", done=1, total=5)
    assert fold([run("each", "running", total=None), *body], NOW, bodies)["each"] == NodeState("running", done=1)
    ended = fold([run("each", "completed", total=5), *body], NOW, bodies)["each"]
    assert ended == NodeState("completed", done=5, total=5), "though only some of its iterations are held"


def test_an_inner_loop_counts_over_all_iterations_of_the_outer_one():
    graph = shape("t -> outer; outer -each-> inner; inner -each-> a; inner -done-> b")
    runs = [run("outer", "running"), run("inner", "completed", "0"), run("inner", "running", "1")]
    runs += [run("a", "completed", "0.0"), run("a", "completed", "0.1"), run("a", "running", "1.0")]
    states = fold(runs, NOW, bodies_of(graph))
    assert states["inner"] == NodeState("running", done=2)
    assert states["outer"].done == 1


def test_edges_are_taken_by_any_iteration_and_not_known_before_all_say():
    done, other = run("a", "completed", "0", taken=["a->b"]), run("a", "completed", "1", taken=[""])
    assert fold([done, other, run("a", "running", "2")], NOW)["a"].taken == {"a->b", MAIN}
    assert fold([done, run("a", "completed", "1")], NOW)["a"].taken is None
    assert fold([run("a", "pending", taken=["a->b"])], NOW)["a"].taken is None, "it was reset"


def test_a_run_lasts_from_its_first_attempt_on():
    def at(seconds):
        return (NOW + timedelta(seconds=seconds)).isoformat()

    attempts = [{"started_at": at(0), "finished_at": at(1)}, {"started_at": at(5), "finished_at": at(6)}]
    one = run("a", "failed", duration=1.0, attempts=attempts, started_at=at(5), finished_at=at(6))
    assert fold([one], NOW)["a"].duration == 6


def test_times_that_are_none():
    assert moment(None) is None
    assert moment("yesterday") is None
    assert moment("2026-03-01T12:00:00") is None
    assert moment("2026-03-01T12:00:00Z") == NOW
