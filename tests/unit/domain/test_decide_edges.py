"""SEMANTICS §2: edges, joins, dead paths, inputs and outputs."""

from __future__ import annotations

import pytest
from support.driver import Driver
from support.graphs import graph

from flowrun.domain.events import ExecutionCompleted, NodeSkipped
from flowrun.domain.node_type import Completed


def started(text, body=None, trigger="t", **settings):
    return Driver(graph(text, **settings)).start(body, trigger=trigger)


# --- edges


def test_completed_node_takes_its_main_edges_and_kills_its_error_edge():
    d = started("t -> a -> b; a -error-> c")
    d.complete("a")
    assert d.state("b", "c") == "queued skipped"
    assert d.run("c").skip_reason == "a did not fail"


def test_empty_output_is_still_taken():
    d = started("t -> a -> b")
    d.ended("a", Completed(None))
    assert d.state("b") == "queued"
    assert d.input("b") is None


def test_port_that_was_not_chosen_dies():
    d = started('t -> i; i: if {"condition": "input.x"}; i -true-> a; i -false-> b; i -> c', {"x": 1})
    assert d.state("i", "a", "b", "c") == "completed queued skipped queued"


def test_edge_condition_that_does_not_hold_kills_the_edge():
    d = started("t -> a; a -[output.total > 10]-> b; a -[output.total <= 10]-> c")
    d.complete("a", {"total": 11})
    assert d.state("b", "c") == "queued skipped"
    assert d.run("c").skip_origin == "a"


def test_edge_condition_sees_the_output_as_input_output_and_node():
    d = started(
        "t -> a; a -[input.n == 1 and output.n == 1 and nodes.a.output.n == 1 and nodes.a.status == 'completed']-> b"
    )
    d.complete("a", {"n": 1})
    assert d.state("b") == "queued"


def test_edge_condition_on_the_trigger_and_on_a_port():
    d = started(
        't -[input.go]-> i; i: if {"condition": "true"}; i -true[input.x > 1]-> a; i -true[input.x <= 1]-> b',
        {"go": True, "x": 5},
    )
    assert d.state("a", "b") == "queued skipped"


def test_condition_that_cannot_be_evaluated_fails_the_node_and_is_not_false():
    d = started("t -> a; a -[1 / output.n > 0]-> b; a -> c")
    d.complete("a", {"n": 0})
    assert d.state("a", "c") == "failed pending"
    assert d.run("a").error["type"] == "expression_error"
    assert d.status == "failed"


def test_condition_that_cannot_be_evaluated_takes_the_error_edge():
    d = started("t -> a; a -[1 / output.n > 0]-> b; a -error-> c")
    d.complete("a", {"n": 0})
    assert d.state("a", "b", "c") == "failed skipped queued"


def test_condition_of_a_port_that_was_not_chosen_is_not_evaluated():
    d = started('t -> i; i: if {"condition": "true"}; i -true-> a; i -false[1 / 0 > 0]-> b')
    assert d.state("i", "a", "b") == "completed queued skipped"


def test_node_that_fails_by_a_condition_after_its_wait_has_no_output():
    d = started('t -> w; w: delay {"for": 5}; w -[1 / 0 > 0]-> a; w -error-> b', {"x": 1})
    d.pass_time(5)
    assert d.state("w", "a", "b") == "failed skipped queued"
    assert d.run("w").output is None


# --- decisions

DECISION = """
t -> d; d -big-> a; d -even-> b; d -default-> c
d: decision {"conditions": [{"id": "even", "expression": "input.n % 2 == 0", "priority": 2},
 {"id": "big", "expression": "input.n > 10", "priority": 1}], "evaluation_mode": "MODE"}
""".replace("},\n", "},")


@pytest.mark.parametrize(
    ("mode", "n", "states"),
    [
        ("first_match", 12, "queued skipped skipped"),
        ("first_match", 4, "skipped queued skipped"),
        ("first_match", 5, "skipped skipped queued"),
        ("all_matching", 12, "queued queued skipped"),
        ("all_matching", 5, "skipped skipped queued"),
    ],
)
def test_decision_takes_conditions_in_priority_order_with_a_default(mode, n, states):
    assert started(DECISION.replace("MODE", mode), {"n": n}).state("a", "b", "c") == states


def test_decision_whose_condition_cannot_be_evaluated_fails():
    d = started(DECISION.replace("MODE", "first_match"), {"n": "many"})
    assert d.state("d", "a", "b", "c") == "failed pending pending pending"
    assert d.status == "failed"


# --- joins


def test_join_all_waits_for_every_edge_to_resolve():
    d = started("t -> a -> c; t -> b -> c")
    d.complete("a")
    assert d.state("c") == "pending"
    d.complete("b")
    assert d.state("c") == "queued"


def test_join_all_runs_when_one_edge_was_taken_and_the_others_are_dead():
    d = started('t -> i; i: if {"condition": "true"}; i -true-> a -> c; i -false-> b -> c')
    d.complete("a")
    assert d.state("b", "c") == "skipped queued"
    assert d.input("c") == "a"


def test_join_all_skips_when_all_edges_are_dead():
    d = started('t -> f -> a -> c; f -> b -> c; f: filter {"condition": "false"}')
    assert d.state("f", "a", "b", "c") == "completed skipped skipped skipped"
    assert d.status == "completed"


def test_join_all_required_is_skipped_by_any_dead_edge_at_once():
    d = started('t -> a -> c; t -> f -> c; f: filter {"condition": "false"}; join c all_required')
    assert d.state("a", "c") == "queued skipped"
    d.complete("a")
    assert d.state("c") == "skipped"
    assert d.status == "completed"


def test_join_all_required_is_skipped_by_a_dead_edge_that_comes_after_a_taken_one():
    d = started("t -> a -> c; t -> b; b -[output.go]-> c; join c all_required")
    d.complete("a")
    assert d.state("c") == "pending"
    d.complete("b", {"go": False})
    assert (d.state("c"), d.run("c").skip_origin) == ("skipped", "b")


def test_join_all_required_runs_when_all_edges_were_taken():
    d = started("t -> a -> c; t -> b -> c; join c all_required")
    d.complete("b")
    assert d.state("c") == "pending"
    d.complete("a")
    assert d.state("c") == "queued"


def test_join_any_runs_on_the_first_taken_edge_and_ignores_later_ones():
    d = started("t -> a -> c; t -> b -> c; join c any")
    d.complete("b")
    assert d.state("c") == "queued"
    assert d.input("c") == "b"
    d.complete("a")
    assert d.input("c") == "b"
    assert d.jobs["c"].dispatch == 1
    d.complete("c")
    assert d.status == "completed"


def test_join_any_does_not_run_again_for_an_edge_that_comes_after_it_completed():
    d = started("t -> a -> c; t -> b -> c; join c any")
    d.complete("b")
    d.complete("c")
    assert d.status == "running"
    d.complete("a")
    assert (d.status, d.run("c").dispatch) == ("completed", 1)


def test_join_any_waits_past_dead_edges_and_skips_when_all_are_dead():
    d = started("t -> a; t -> b; a -[output.go]-> c; b -[output.go]-> c; join c any")
    d.complete("a", {"go": False})
    assert d.state("c") == "pending"
    d.complete("b", {"go": False})
    assert d.state("c") == "skipped"
    assert d.status == "completed"


# --- inputs


def test_entry_node_has_the_execution_input():
    d = started("t -> a", {"x": 1})
    assert d.run("t").output == {"x": 1}
    assert d.jobs["a"].input == {"x": 1}


def test_mapped_input_replaces_the_trigger_body():
    d = Driver(graph("t -> a")).start({"raw": 1}, input={"mapped": 2})
    assert d.jobs["a"].input == {"mapped": 2}


def test_input_of_several_parents_is_keyed_by_id_in_edge_order_not_arrival_order():
    d = started("t -> a; t -> b; t -> c; c -> j; a -> j; b -> j")
    for node in ("b", "a", "c"):
        d.complete(node)
    assert list(d.jobs["j"].input.items()) == [("c", "c"), ("a", "a"), ("b", "b")]


def test_input_leaves_out_parents_whose_edge_is_dead():
    d = started("t -> a; t -> b; t -> c; a -> j; b -[false]-> j; c -> j")
    for node in ("c", "b", "a"):
        d.complete(node)
    assert d.jobs["j"].input == {"a": "a", "c": "c"}


def test_one_parent_with_two_taken_edges_is_one_parent():
    d = started("t -> a; a -left-> j; a -right-> j")
    d.complete("a", {"n": 1}, "left", "right")
    assert d.jobs["j"].input == {"n": 1}


# --- skipping


def test_skipped_node_kills_all_its_edges():
    d = started('t -> f -> a -> b -> c; f: filter {"condition": "false"}')
    assert d.state("a", "b", "c") == "skipped skipped skipped"


def test_skipped_node_kills_its_error_edge():
    d = started('t -> f -> a; a -error-> b; f: filter {"condition": "false"}')
    assert d.state("a", "b") == "skipped skipped"


def test_skipping_records_the_reason_and_the_node_where_it_began():
    d = started('t -> f -> a -> b; f: filter {"condition": "false"}')
    assert (d.run("a").skip_origin, d.run("a").skip_reason) == ("f", "f did not take the edge f>a")
    assert (d.run("b").skip_origin, d.run("b").skip_reason) == ("f", "the path from f is dead")


def test_skip_origin_of_a_join_is_that_of_its_first_dead_edge():
    d = started('t -> f -> a -> j; t -> g -> j; f: filter {"condition": "false"}; g: filter {"condition": "false"}')
    assert d.run("j").skip_origin == "f"


def test_execution_whose_remaining_nodes_are_skipped_is_completed():
    d = started("t -> a; a -[false]-> b -> c")
    d.complete("a", 5)
    assert (d.status, d.execution.output) == ("completed", 5)
    assert len(d.events(ExecutionCompleted)) == 1


# --- triggers and disabled nodes


def test_other_triggers_are_skipped_and_only_the_fired_one_leads_on():
    d = started("t -> a; t2 -> b; t -> j; t2 -> j", trigger="t2")
    assert d.state("t", "t2", "a", "b") == "skipped completed skipped queued"
    assert d.run("t").skip_reason == "another trigger started the execution"
    assert d.run("a").skip_origin == "t"
    assert d.state("j") == "queued"


def test_disabled_node_hands_its_input_on():
    d = started("t -> a -> b; disabled a", {"x": 1})
    assert d.state("a", "b") == "completed queued"
    assert d.jobs["b"].input == {"x": 1}


def test_disabled_node_on_a_dead_path_is_skipped():
    d = started('t -> f -> a -> b; disabled a; f: filter {"condition": "false"}')
    assert d.state("a", "b") == "skipped skipped"


# --- the execution's output


def test_output_is_that_of_the_last_node():
    d = started("t -> a -> b")
    d.complete("a")
    d.complete("b", {"done": 1})
    assert d.execution.output == {"done": 1}


def test_output_of_several_exits_is_keyed_by_id_in_node_order():
    d = started("t -> a; t -> b; t -> c")
    for node in ("c", "a", "b"):
        d.complete(node)
    assert list(d.execution.output.items()) == [("a", "a"), ("b", "b"), ("c", "c")]


def test_output_leaves_out_skipped_exits():
    d = started('t -> i; i: if {"condition": "true"}; i -true-> a; i -false-> b')
    d.complete("a")
    assert d.execution.output == "a"


def test_output_is_the_response_body_when_a_node_has_answered():
    d = started("t -> r -> a; r: respond {}")
    assert d.respond("r", {"ok": 1}).responded
    d.complete("a")
    assert d.execution.output == {"ok": 1}


def test_only_the_first_response_counts():
    d = started("t -> r; t -> s; r: respond {}; s: respond {}")
    assert d.respond("s", "first").responded
    assert not d.respond("r", "second").responded
    assert d.execution.response["body"] == "first"
    assert d.execution.output == "first"


def test_caller_is_told_as_soon_as_no_response_node_can_answer_any_more():
    d = started("t -> a -> b; a -[false]-> r; r: respond {}")
    assert not d.last.unanswered
    d.complete("a")
    assert d.last.unanswered
    assert d.status == "running"


def test_caller_is_not_told_that_nobody_answers_while_a_response_node_may_still():
    d = started("t -> a; a -[false]-> r; t -> s; r: respond {}; s: respond {}")
    d.complete("a")
    assert not d.last.unanswered


def test_workflow_of_engine_nodes_is_one_decision():
    d = started('t -> a -> b; a: transform {"value": {"n": "{{ input.n + 1 }}"}}; b: noop', {"n": 1})
    assert (d.status, d.execution.output) == ("completed", {"n": 2})


def test_each_node_is_skipped_once():
    d = started('t -> f; f -> a; f -> b; a -> j; b -> j; f: filter {"condition": "false"}; join j any')
    assert [event.node for event in d.events(NodeSkipped)] == ["a", "b", "j"]
