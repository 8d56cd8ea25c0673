"""SEMANTICS §6: retry, skip_node and rerun: what runs anew, and what keeps its result."""

from __future__ import annotations

import pytest
from support.driver import Driver, stored
from support.graphs import graph

from flowrun.domain.decide import kept_events
from flowrun.domain.events import NodeCompleted, NodeReset
from flowrun.domain.facts import Admit, Cancel, Pause, Resume, Retry, SkipNode, Start, Terminate, TimerKind
from flowrun.domain.node_type import Completed
from flowrun.errors import ConflictError, InvalidInputError, Issue, NotFoundError


def started(text, body=None, trigger="t", **settings):
    return Driver(graph(text, **settings)).start(body, trigger=trigger)


# --- retry


def test_retry_runs_failed_and_cancelled_nodes_again_and_keeps_completed_ones():
    d = started("t -> a -> c; t -> b -> c; t -> k -> c")
    d.complete("k", "kept")
    d.fail("a")
    assert d.state("b") == "cancelled"
    d.send(Retry("ada"))
    assert (d.status, d.state("a", "b", "k")) == ("running", "queued queued completed")
    assert {event.node for event in d.events(NodeReset)} == {"a", "b"}
    d.complete("a")
    d.complete("b")
    assert d.jobs["c"].input == {"a": "a", "b": "b", "k": "kept"}
    d.complete("c")
    assert (d.status, d.execution.error) == ("completed", None)


def test_retry_gives_a_failed_node_all_its_attempts_anew():
    d = started("t -> a; retry a 2")
    for _ in range(2):
        d.fail("a", retryable=True)
        d.pass_time(1)
    d.send(Retry())
    assert (d.jobs["a"].attempt, d.jobs["a"].dispatch) == (1, 3)
    d.fail("a", retryable=True)
    assert d.state("a") == "retrying"


def test_retry_carries_on_with_what_had_become_ready_before_the_end():
    d = started("t -> a; t -> b -> c; on_error a drain")
    d.fail("a")
    d.complete("b")
    assert d.state("c") == "pending"
    d.send(Retry())
    assert d.state("a", "c") == "queued queued"


def test_retry_leaves_handled_failures_as_they_are():
    d = started("t -> a; a -error-> c; t -> b")
    d.fail("a")
    d.fail("b")
    d.send(Retry())
    assert d.state("a", "b", "c") == "failed queued queued"


def test_retry_after_a_timeout_has_the_whole_timeout_again():
    d = started('t -> w -> a; w: delay {"for": 8}', timeout=5)
    d.pass_time(5)
    assert d.status == "timed_out"
    d.send(Retry())
    assert (d.status, d.timer(TimerKind.EXECUTION_TIMEOUT)) == ("waiting", 5)


def test_a_held_retry_has_its_whole_timeout_from_its_admission():
    d = started('t -> w -> a; w: delay {"for": 8}', timeout=5)
    d.pass_time(5)
    d.send(Retry(hold=True))
    assert (d.status, d.state("w"), d.timers) == ("queued", "pending", {})
    d.pass_time(60)
    d.send(Admit())
    assert (d.status, d.timer(TimerKind.EXECUTION_TIMEOUT)) == ("waiting", 5)


@pytest.mark.parametrize("command", [Cancel(), Terminate()])
def test_a_held_retry_can_be_cancelled_and_retried(command):
    d = started("t -> a -> b")
    d.fail("a")
    d.send(Retry(hold=True))
    d.send(command)
    assert (d.status, d.state("a")) == ("cancelled", "pending")
    d.send(Admit())
    assert d.status == "cancelled", "it comes too late"
    d.send(Retry())
    d.complete("a")
    d.complete("b")
    assert d.status == "completed"


def test_retry_after_a_cancellation_carries_on():
    d = started("t -> a -> b")
    d.send(Cancel(None, "why"))
    d.complete("a")
    d.send(Retry())
    assert (d.status, d.state("a", "b"), d.execution.reason) == ("running", "completed queued", None)
    d.complete("b")
    assert d.status == "completed"


def test_error_workflow_starts_once_however_often_the_execution_is_retried():
    d = started("t -> a", on_error="handler")
    d.fail("a")
    d.pass_time(0)
    d.send(Retry())
    d.fail("a")
    assert (d.status, d.timers) == ("failed", {})


def test_retry_refuses_a_result_of_the_attempt_before_it():
    d = started("t -> a; t -> b")
    d.fail("a")
    d.send(Retry())
    assert d.ended("b", Completed("old"), dispatch=1).discarded
    assert d.jobs["b"].dispatch == 2


# --- skip_node


def test_skip_node_completes_a_running_node_with_the_given_output():
    d = started("t -> a -> b")
    d.send(SkipNode(("a", ""), {"by": "hand"}, "ada"))
    assert (d.state("a", "b"), d.jobs["b"].input) == ("completed queued", {"by": "hand"})
    assert d.stopped == ["a"]
    assert d.events(NodeCompleted, "a")[0].by == "ada"
    assert d.ended("a", Completed("late"), dispatch=1).discarded


def test_skip_node_completes_a_retrying_and_a_waiting_node():
    d = started('t -> a; t -> w; w: delay {"for": 50}')
    d.fail("a", retryable=True)
    d.send(SkipNode(("a", ""), 1))
    d.send(SkipNode(("w", ""), 2))
    assert (d.status, d.execution.output, d.timers) == ("completed", {"a": 1, "w": 2}, {})


def test_skip_node_leaves_by_the_port_that_the_operator_names():
    text = 't -> w; w -approved-> a; w -rejected-> b; w -error-> c; w: wait_for_signal {"approval": true}'
    d = started(text)
    with pytest.raises(InvalidInputError) as refused:
        d.send(SkipNode(("w", ""), {}))
    needed = "is needed: w leaves by several; there are main, approved, rejected"
    assert refused.value.issues == (Issue("port", needed),)
    with pytest.raises(InvalidInputError, match="not skipped"):
        d.send(SkipNode(("w", ""), {}, port="error"))
    assert d.state("w") == "waiting", "nothing has happened"
    d.send(SkipNode(("w", ""), {"by": "hand"}, port="rejected"))
    assert d.state("w", "a", "b", "c") == "completed skipped queued skipped"


def test_skip_node_takes_what_follows_in_any_case_unless_told_otherwise():
    text = 't -> w; w -> a; w -timeout-> b; w: wait_for_signal {"timeout": 60}'
    d = started(text)
    d.send(SkipNode(("w", ""), 1))
    assert d.state("a", "b") == "queued skipped"
    d = started(text)
    d.send(SkipNode(("w", ""), 1, port="timeout"))
    assert d.state("a", "b") == "skipped queued"


def test_skip_node_in_a_paused_execution_leads_on_at_the_resumption():
    d = started("t -> a -> b")
    d.send(Pause())
    d.send(SkipNode(("a", ""), 1))
    assert d.state("a", "b") == "completed pending"
    d.send(Resume())
    assert d.state("b") == "queued"


def test_skip_node_refuses_a_node_that_is_not_stuck():
    d = started("t -> a -> b")
    with pytest.raises(ConflictError, match="pending"):
        d.send(SkipNode(("b", "")))
    with pytest.raises(ConflictError, match="completed"):
        d.send(SkipNode(("t", "")))
    with pytest.raises(NotFoundError, match="ghost"):
        d.send(SkipNode(("ghost", "")))


# --- rerun


def rerun(d: Driver, from_node: str, **more) -> Driver:
    again = Driver(d.graph)
    kept = kept_events(stored(d.history), d.execution, from_node)
    again.send(Start("t", {"type": "manual", "body": d.execution.input}, rerun_of="x0", kept=kept, **more))
    return again


def test_rerun_from_a_node_uses_the_results_of_all_that_it_does_not_lead_to():
    d = started("t -> a -> b -> c; t -> s -> c", {"x": 1})
    for node in ("a", "s", "b", "c"):
        d.complete(node, f"{node} of the first run")
    again = rerun(d, "b")
    assert again.execution.rerun_of == "x0"
    assert again.state("t", "a", "s", "b", "c") == "completed completed completed queued pending"
    assert again.jobs["b"].input == "a of the first run"
    again.complete("b", "new")
    assert again.jobs["c"].input == {"b": "new", "s": "s of the first run"}
    again.complete("c")
    assert again.status == "completed"


def test_rerun_keeps_skipped_nodes_and_handled_failures():
    d = started("t -> a; a -error-> x; a -> y; t -> b")
    d.fail("a")
    d.complete("x")
    d.fail("b")
    again = rerun(d, "b")
    assert again.state("a", "x", "y", "b") == "failed completed skipped queued"
    again.complete("b")
    assert (again.status, again.execution.output) == ("completed", {"x": "x", "b": "b"})


def test_rerun_runs_anew_what_had_failed_or_been_cancelled_elsewhere():
    d = started("t -> a; t -> b; t -> c -> e")
    d.complete("c")
    d.fail("a")
    again = rerun(d, "e")
    assert again.state("a", "b", "c", "e") == "queued queued completed queued"


def test_rerun_from_an_unknown_node_is_refused():
    d = started("t -> a")
    d.complete("a")
    with pytest.raises(NotFoundError, match="ghost"):
        kept_events(d.history, d.execution, "ghost")
