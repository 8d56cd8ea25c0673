"""A rerun from a node in another version of the workflow: which results count there, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest
from support.driver import Driver
from support.graphs import graph

from flowrun.commands.kept_results import History, kept_results, with_input
from flowrun.domain.events import event_data, restore_event
from flowrun.domain.facts import AttemptEnded, Signal, SkipNode, Start, TimerKind
from flowrun.domain.node_type import Completed
from flowrun.errors import ConflictError, FlowrunError, NotFoundError

IF = '; i: if {"condition": "input.yes"}'
SWITCH = '; s: switch {"value": "input.v", "cases": {"a": 1, "b": 2}}'
DECIDE = '; d: decision {"conditions": [{"id": "a", "expression": "input.a"}, {"id": "b", "expression": "input.b"}]}'
LOOP = '; l: for_each {"items": "[1]"}'


def ran(text: str, body: Any = None, *nodes: str) -> Driver:
    """An execution of version 1 in which the nodes were completed in that order."""
    d = Driver(graph(text)).start(body)
    for node in nodes:
        d.complete(node)
    return d


def play(d: Driver) -> None:
    """Complete whatever is to be done, each node with its id."""
    while d.jobs:
        job = next(iter(d.jobs.values()))
        d.send(AttemptEnded((job.node_id, job.iteration), job.dispatch, Completed(job.node_id), d.now))


def stored(history: History) -> History:
    """The history after a trip through the database's JSON, iterations too."""
    return [
        (at, restore_event(one.type, getattr(one, "node", None), getattr(one, "iteration", ""), event_data(one)))
        for at, one in history
    ]


def rerun(d: Driver, text: str, from_node: str) -> Driver:
    """A rerun of it in version 2."""
    new = graph(text, version=2)
    again = Driver(new)
    start = Start("t", {"type": "manual", "body": d.execution.input}, rerun_of="x1")
    start.kept = kept_results(stored(d.history), start, d.graph, new, from_node)
    again.send(start)
    return again


# --- the edges that are taken


@pytest.mark.parametrize(("yes", "states"), [(True, "queued pending"), (False, "skipped skipped")])
def test_a_node_inserted_behind_a_port_follows_when_that_port_was_taken(yes, states):
    d = ran("t -> i; i -true-> a -> z; i -false-> f" + IF, {"yes": yes}, *(["a", "z"] if yes else ["f"]))
    again = rerun(d, "t -> i; i -true-> n -> a -> z; i -false-> f" + IF, "n")
    assert again.state("t", "i") == "completed completed"
    assert (again.state("n", "a"), again.state("f")) == (states, "skipped" if yes else "completed")


def test_what_was_inserted_runs_and_then_what_follows_it():
    d = ran("t -> i; i -true-> a -> z" + IF, {"yes": True}, "a", "z")
    again = rerun(d, "t -> i; i -true-> n -> a -> z" + IF, "n")
    assert again.jobs["n"].input == {"yes": True}
    for node in ("n", "a", "z"):
        again.complete(node)
    assert (again.status, again.execution.output) == ("completed", "z")


def test_an_edge_of_the_main_port_follows_a_choice():
    d = ran("t -> i; i -true-> a" + IF, {"yes": True}, "a")
    again = rerun(d, "t -> i; i -true-> a; i -> n; i -false-> f" + IF, "n")
    assert again.state("i", "a", "n", "f") == "completed completed queued skipped"


def test_a_choice_whose_port_had_no_edge_is_made_again():
    d = ran("t -> i; i -true-> a" + IF, {"yes": False})
    assert rerun(d, "t -> i; i -true-> a; i -false-> n" + IF, "n").state("i", "a", "n") == "completed skipped queued"
    d = ran("t -> s; s -a-> a" + SWITCH, {"v": 1}, "a")
    assert rerun(d, "t -> s; s -a-> a; s -b-> n" + SWITCH, "n").state("s", "a", "n") == "completed completed skipped"


def test_a_port_that_nothing_tells_of_is_a_conflict_that_names_the_node():
    d = ran("t -> d; d -a-> a" + DECIDE, {"a": True, "b": True}, "a")
    with pytest.raises(ConflictError, match=r"whether d would have left by its port b, .* version 1 .* rerun from d"):
        rerun(d, "t -> d; d -a-> a; d -b-> n" + DECIDE, "n")


def test_a_condition_that_is_unchanged_keeps_its_decision_and_a_new_one_is_evaluated():
    d = ran("t -> a; a -[trigger.body.n > 1]-> b; a -[output == 'x']-> c", {"n": 2}, "a", "b")
    new = "t -> a; a -[trigger.body.n > 1]-> n -> b; a -[output == 'x']-> c; a -[nodes.t.output.n == 2]-> e"
    again = rerun(d, new + "; a -[output == 'y']-> g; a -> h", "n")
    assert again.state("a", "n", "b", "c", "e", "g", "h") == "completed queued pending skipped queued skipped queued"


def test_a_new_condition_that_fails_is_a_conflict_that_names_the_node():
    d = ran("t -> a -> b", {}, "a", "b")
    with pytest.raises(ConflictError, match="a>n, new in this version, fails on the result of a: "):
        rerun(d, "t -> a -> b; a -[output + 1 > 2]-> n", "n")


def test_a_new_edge_from_the_trigger_goes_by_the_edited_input():
    d = ran("t -> a", {"n": 1}, "a")
    new = graph("t -> a; t -[output.n == 2]-> b; t -[output.n == 1]-> c", version=2)
    start = Start("t", {"type": "manual", "body": {"n": 1}}, {"n": 2}, rerun_of="x1")
    start.kept = kept_results(with_input(stored(d.history), "t", {"n": 2}), start, d.graph, new, "a")
    again = Driver(new)
    again.send(start)
    assert again.state("t", "a", "b", "c") == "completed queued queued skipped"
    assert again.jobs["a"].input == {"n": 2}


def test_a_handled_failure_leads_where_it_led():
    d = Driver(graph("t -> a; a -error-> x -> z; a -> y")).start()
    d.fail("a")
    for node in ("x", "z"):
        d.complete(node)
    again = rerun(d, "t -> a; a -error-> n -> x -> z; a -> y; a -error[output.error.type == 'no']-> m", "n")
    assert again.state("a", "n", "y", "m") == "failed queued skipped skipped"
    assert again.jobs["n"].input["error"]["type"] == "boom"


def test_a_failure_that_is_handled_otherwise_now_is_no_result():
    d = Driver(graph("t -> a; a -error-> x; t -> z")).start()
    d.fail("a")
    d.complete("x")
    d.complete("z")
    assert rerun(d, "t -> a; a -> y; t -> z", "z").state("a", "y", "z") == "queued pending queued"


@pytest.mark.parametrize(("approve", "states"), [(True, "queued queued skipped"), (False, "skipped skipped queued")])
def test_an_answer_tells_by_which_port_the_node_left(approve, states):
    ask = '; w: wait_for_signal {"approval": true}'
    d = Driver(graph("t -> w; w -timeout-> x" + ask)).start()
    d.send(Signal(None, {"approved": approve}, ("w", ""), "ann"))
    new = "t -> w; w -approved-> a; w -> m; w -rejected-> r; w -timeout-> x" + ask
    assert rerun(d, new, "m").state("a", "m", "r") == states


def test_a_wait_that_was_too_long_left_by_its_timeout():
    wait = '; w: wait_for_signal {"timeout": "1s"}'
    d = Driver(graph("t -> w; w -timeout-> x" + wait)).start()
    d.pass_time(1)
    d.complete("x")
    assert (TimerKind.SIGNAL, "w", "") not in d.timers
    assert rerun(d, "t -> w; w -timeout-> n -> x; w -> m" + wait, "n").state("n", "m") == "queued skipped"


def test_a_filter_that_let_nothing_through_decides_again():
    only = '; f: filter {"condition": "input.yes"}'
    d = ran("t -> f -[true]-> a" + only, {"yes": False})
    assert rerun(d, "t -> f -> n -> a" + only, "n").state("f", "n") == "completed skipped"


def test_what_an_operator_skipped_keeps_what_he_gave():
    d = Driver(graph("t -> a; a -> b")).start()
    d.send(SkipNode(("a", ""), {"by": "hand"}))
    d.complete("b")
    again = rerun(d, "t -> a -> n -> b", "n")
    assert (again.state("a"), again.jobs["n"].input) == ("completed", {"by": "hand"})


# --- the results that count


def test_a_node_of_another_type_runs_again_with_all_that_it_leads_to():
    d = ran("t -> a -> b; t -> c -> d; t -> z", {}, "a", "b", "c", "d", "z")
    again = rerun(d, 't -> a -> b; t -> c -> d; t -> z; a: script {"output": 1}', "z")
    assert again.state("a", "b", "c", "d", "z") == "completed queued completed completed queued"
    assert again.jobs["b"].input == 1


def test_what_came_from_a_node_that_is_gone_runs_again():
    d = ran("t -> x -> b -> c; t -> z", {"n": 1}, "x", "z", "b", "c")
    again = rerun(d, "t -> b -> c; t -> z", "z")
    assert again.state("b", "c", "z") == "queued pending queued"
    assert again.jobs["b"].input == {"n": 1}


def test_a_new_node_runs_with_all_that_it_leads_to_unless_its_path_is_dead():
    d = ran("t -> i; i -true-> a -> b; t -> z" + IF, {"yes": True}, "a", "z", "b")
    new = "t -> i; i -true-> a; a -> b; t -> z; i -false-> n -> b" + IF
    assert rerun(d, new, "z").state("a", "n", "b", "z") == "completed skipped completed queued"
    new = "t -> i; i -true-> a; a -> b; t -> z; t -> n -> b" + IF
    assert rerun(d, new, "z").state("a", "n", "b", "z") == "completed queued pending queued"


def test_a_path_that_is_dead_in_the_new_version_is_skipped_and_one_that_lives_runs():
    d = ran("t -> i; i -true-> a -> b; i -false-> c; t -> z" + IF, {"yes": True}, "a", "z", "b")
    again = rerun(d, "t -> i; i -false-> a -> b; i -true-> c; t -> z" + IF, "z")
    assert again.state("a", "b", "c", "z") == "skipped skipped queued queued"


def test_another_trigger_changes_nothing():
    d = ran("t -> a -> z", {}, "a", "z")
    again = rerun(d, "t -> a -> z; t2 -> a", "z")
    assert again.state("t", "t2", "a", "z") == "completed skipped completed queued"
    again.complete("z")
    assert again.status == "completed"


def test_what_had_not_ended_runs_again_and_a_join_that_did_without_it_keeps_its_result():
    d = ran("t -> a -> j; t -> b -> j; join j any; t -> z", {}, "a", "j")
    d.fail("z")
    again = rerun(d, "t -> a -> j; t -> b -> j; join j any; t -> y -> z", "y")
    assert again.state("a", "b", "j", "y", "z") == "completed queued completed queued pending"
    again = rerun(d, "t -> a -> j; t -> b -> j; join j any; t -> n -> j; t -> z", "z")
    assert again.state("a", "n", "j", "z") == "completed queued queued queued"


# --- loops


def test_a_node_that_moved_into_a_loop_runs_again_with_the_loop_and_what_follows():
    old = "t -> b -> l; l -each-> x; l -done-> m -> z; t -> y" + LOOP
    d = ran(old, {})
    play(d)
    again = rerun(d, "t -> l; l -each-> b -> x; l -done-> m -> z; t -> y" + LOOP, "z")
    assert again.state("l", "m", "z", "y") == "running pending pending completed"
    assert (again.status, [*again.jobs]) == ("running", ["b"])


def test_a_node_that_moved_out_of_a_loop_runs_again():
    d = ran("t -> l; l -each-> b -> x; l -done-> z; t -> y" + LOOP, {})
    play(d)
    again = rerun(d, "t -> b -> l; l -each-> x; l -done-> z; t -> y" + LOOP, "z")
    assert again.state("b", "l", "z", "y") == "queued pending pending completed"


def test_a_loop_that_is_as_it_was_keeps_its_result():
    d = ran("t -> l; l -each-> x; l -done-> z" + LOOP)
    play(d)
    again = rerun(d, "t -> l; l -each-> x; l -done-> n -> z; l -> m" + LOOP, "n")
    assert again.state("l", "n", "m") == "completed queued queued"
    assert again.jobs["n"].input == ["x"]


# --- refused, or as ever


@pytest.mark.parametrize(("node", "error", "said"), [("gone", NotFoundError, "gone"), ("x", ConflictError, "loop l")])
def test_a_rerun_begins_at_a_node_that_the_version_has_outside_of_loops(node, error, said):
    d = ran("t -> x; t -> gone", {}, "x", "gone")
    with pytest.raises(error, match=said):
        rerun(d, "t -> l; l -each-> x" + LOOP, node)


SHAPES = (
    "t -> a -> b -> c; t -> z",
    "t -> a -> c; t -> b -> c; c -> z",
    "t -> i; i -true-> a -> c; i -false-> b -> c; c -> z" + IF,
    "t -> i; i -true-> b -> a; i -> c; c -> z" + IF,
    "t -> l; l -each-> a -> b; l -done-> c -> z" + LOOP,
    "t -> a -> l; l -each-> b; l -done-> c -> z" + LOOP,
    "t -> a; a -error-> b; a -[output == 'a']-> c; c -> z; b -> z; join z any",
    "t -> d; d -a-> a; d -b-> b; a -> c; b -> c; c -> z; join c all_required" + DECIDE,
)


@pytest.mark.parametrize("old", SHAPES)
@pytest.mark.parametrize("new", SHAPES)
@pytest.mark.parametrize("start", ["a", "c", "z"])
def test_a_rerun_in_any_other_version_ends_or_is_refused(old, new, start):
    d = ran(old, {"yes": True, "a": True})
    play(d)
    assert d.status == "completed"
    try:
        again = rerun(d, new, start)
    except FlowrunError as error:
        assert isinstance(error, ConflictError)  # noqa: PT017 - some are refused, others are not
        return
    play(again)
    assert again.status == "completed"
    if old == new:
        same = Driver(d.graph)
        begin = Start("t", {"type": "manual", "body": d.execution.input}, rerun_of="x1")
        begin.kept = kept_results(stored(d.history), begin, d.graph, d.graph, start)
        same.send(begin)
        play(same)
        nodes = [node.id for node in d.graph.nodes.values() if node.loop is None]
        assert again.state(*nodes) == same.state(*nodes)
