"""SEMANTICS §5: retries, what `on_error` says, lost attempts, late results, the error workflow."""

from __future__ import annotations

import pytest
from support.driver import Driver
from support.graphs import graph

from flowrun.domain.definition import RetryPolicy
from flowrun.domain.events import NodeFailed, NodeInterrupted, NodeRetrying
from flowrun.domain.facts import AttemptEnded, AttemptStarted, Start, Terminate, TimerKind
from flowrun.domain.node_type import Completed, Failed, Waiting
from flowrun.domain.retry import MAX_RETRY_AFTER, next_interval
from flowrun.domain.turn import Job


def started(text, body=None, trigger="t", jitter=lambda: 1.0, **settings):
    return Driver(graph(text, **settings), jitter=jitter).start(body, trigger=trigger)


# --- retries


def test_retryable_failure_is_tried_again_after_the_interval():
    d = started("t -> a -> b")
    d.fail("a", retryable=True)
    assert (d.state("a"), d.timer(TimerKind.RETRY, "a")) == ("retrying", 1.0)
    d.pass_time(0.999)
    assert not d.jobs
    d.pass_time(0.001)
    assert (d.jobs["a"].attempt, d.jobs["a"].dispatch) == (2, 2)
    d.complete("a")
    assert (d.state("a", "b"), d.run("a").error) == ("completed queued", None)


def test_node_fails_for_good_after_max_attempts():
    d = started('t -> a; retry a {"max_attempts": 2}')
    d.fail("a", retryable=True)
    d.pass_time(1)
    d.fail("a", retryable=True)
    assert (d.state("a"), d.status) == ("failed", "failed")
    assert d.execution.error == {
        "type": "boom",
        "message": "boom happened",
        "node_id": "a",
        "attempt": 2,
        "retryable": True,
        "source": "node",
        "details": None,
        "occurred_at": "2001-09-09T01:46:41.000Z",
    }


def test_default_policy_makes_three_attempts():
    d = started("t -> a")
    for seconds in (1, 2):
        d.fail("a", retryable=True)
        assert d.timer(TimerKind.RETRY, "a") == seconds
        d.pass_time(seconds)
    d.fail("a", retryable=True)
    assert d.state("a") == "failed"


def test_failure_that_is_not_retryable_is_final_at_once():
    d = started("t -> a")
    d.fail("a", retryable=False)
    assert d.state("a") == "failed"


def test_non_retryable_error_type_is_final_at_once():
    d = started('t -> a; retry a {"non_retryable": ["bad_request"]}')
    d.fail("a", "bad_request", retryable=True)
    assert d.state("a") == "failed"


def test_attempts_share_one_idempotency_key_and_the_same_payload():
    d = started('t -> a; a: step {"value": "{{ input.n }} {{ now() }}"}', {"n": 1})
    first = d.jobs["a"]
    d.fail("a", retryable=True)
    d.pass_time(1)
    second = d.jobs["a"]
    assert first.idempotency_key == second.idempotency_key == "x1:a:"
    assert (first.params, first.input) == (second.params, second.input)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        (RetryPolicy(jitter=False), [1, 2, 4, 8, 16, 32, 64, 100, 100]),
        (RetryPolicy(jitter=False, backoff=1.0, initial_interval=5), [5, 5, 5]),
        (RetryPolicy(jitter=False, backoff=3.0, max_interval=10), [1, 3, 9, 10]),
        (RetryPolicy(jitter=False, initial_interval=0), [0, 0, 0]),
        (RetryPolicy(jitter=False, backoff=1.0, initial_interval=500), [100, 100]),
    ],
)
def test_back_off_grows_by_its_factor_to_the_largest_interval(policy, seconds):
    assert [next_interval(policy, attempt, 0.5) for attempt in range(1, len(seconds) + 1)] == seconds


def test_back_off_of_very_many_attempts_is_the_largest_interval():
    assert next_interval(RetryPolicy(jitter=False, backoff=1000.0), 100, 0.5) == 100


def test_full_jitter_draws_between_nothing_and_the_interval():
    assert [next_interval(RetryPolicy(), 3, draw) for draw in (0.0, 0.5, 0.999)] == [0, 2, pytest.approx(3.996)]


def test_retry_after_is_the_least_that_is_waited():
    policy = RetryPolicy(jitter=False)
    assert next_interval(policy, 1, 0.5, 30) == 30
    assert next_interval(policy, 7, 0.5, 30) == 64
    assert next_interval(RetryPolicy(), 1, 0.0, 30) == 30
    assert next_interval(policy, 1, 0.5, 1e9) == MAX_RETRY_AFTER


def test_retry_after_of_a_result_sets_the_timer():
    d = started("t -> a", jitter=lambda: 0.0)
    d.fail("a", retryable=True, retry_after=7.5)
    assert d.timer(TimerKind.RETRY, "a") == 7.5


def test_attempt_that_took_too_long_is_retried_and_then_the_node_is_timed_out():
    d = started("t -> a; timeout a 5; retry a 2")
    assert d.jobs["a"].timeout == 5
    d.time_out("a")
    d.pass_time(1)
    d.time_out("a")
    assert d.state("a") == "timed_out"
    assert (d.status, d.execution.error["source"]) == ("failed", "timeout")


def test_params_that_cannot_be_resolved_fail_the_node_without_an_attempt_by_a_worker():
    d = started('t -> a; a: step {"value": "{{ 1 / input.n }}"}; a -error-> b', {"n": 0})
    assert d.state("a", "b") == "failed queued"
    assert d.run("a").error["type"] == "expression_error"
    assert d.run("a").attempt == 1


def test_params_that_do_not_fit_their_schema_fail_the_node():
    d = started('t -> a; a: delay {"for": "{{ input.n }}"}; a -error-> b', {"n": "soon"})
    assert d.run("a").error["type"] == "invalid_params"
    assert [issue["path"] for issue in d.run("a").error["details"]] == ["for"]


def test_worker_that_answers_with_a_wait_keeps_its_attempt_and_times():
    d = started("t -> a -> b")
    queued_at = d.now
    d.fail("a", retryable=True)
    d.pass_time(1)
    d.ended("a", Waiting(d.now + 5000, "later"))
    assert (d.run("a").attempt, d.run("a").queued_at) == (2, queued_at)
    d.pass_time(5)
    assert (d.state("a"), d.jobs["b"].input) == ("completed", "later")


# --- on_error


def test_fail_cancels_what_still_runs_and_ends_the_execution():
    d = started('t -> a; t -> b; t -> c; t -> w; t -> p -> q; on_error a fail; w: delay {"for": 60}')
    d.started("b")
    d.fail("c", retryable=True)
    d.fail("a")
    assert d.status == "failed"
    assert d.state("a", "b", "c", "w", "p", "q") == "failed cancelled cancelled cancelled cancelled pending"
    assert sorted(d.stopped) == ["b", "p"]
    assert d.run("b").skip_reason == "the execution failed"


def test_drain_lets_what_runs_finish_and_starts_nothing_new():
    d = started("t -> a; t -> b -> c; on_error a drain")
    d.fail("a")
    assert (d.status, d.stopped) == ("running", [])
    d.complete("b")
    assert d.state("a", "b", "c") == "failed completed pending"
    assert (d.status, d.execution.error["node_id"]) == ("failed", "a")


def test_drain_makes_no_further_attempt_and_waits_for_nothing():
    d = started('t -> a; t -> b; t -> c; t -> w; on_error a drain; w: delay {"for": 60}; on_error c continue')
    d.fail("a")
    d.fail("c", retryable=True)
    assert d.state("c") == "failed"
    d.complete("b")
    assert d.state("w") == "cancelled"
    assert d.status == "failed"


def test_drain_keeps_the_first_error():
    d = started("t -> a; t -> b; on_error a drain; on_error b drain")
    d.fail("b", "second")
    d.fail("a", "first")
    assert d.execution.error["type"] == "second"


def test_continue_lets_the_error_object_travel_on_the_normal_edges():
    d = started("t -> a -> b; on_error a continue")
    d.fail("a", "boom")
    assert d.state("a", "b") == "failed queued"
    assert d.jobs["b"].input["type"] == "boom"
    d.complete("b")
    assert d.status == "completed"


def test_continue_takes_every_port_but_only_where_the_condition_holds():
    d = started("t -> a; on_error a continue; a -left-> b; a -[output.type == 'boom']-> c; a -[output.ok]-> e")
    d.fail("a", "boom")
    assert d.state("b", "c", "e") == "queued queued skipped"


def test_error_output_takes_the_error_edge_and_kills_the_normal_ones():
    d = started("t -> a -> b; a -error-> c; on_error a error_output", {"x": 1})
    d.fail("a", "boom")
    assert d.state("a", "b", "c") == "failed skipped queued"
    assert d.run("b").skip_reason == "a failed"
    assert d.jobs["c"].input == {"error": d.run("a").error, "input": {"x": 1}}
    d.complete("c")
    assert d.status == "completed"


def test_error_edge_means_error_output_without_saying_so():
    d = started("t -> a -> b; a -error-> c")
    d.fail("a")
    assert (d.state("b", "c"), d.run("a").handling) == ("skipped queued", "error_output")


def test_error_edge_comes_after_the_retries():
    d = started("t -> a; a -error-> c")
    d.fail("a", retryable=True)
    assert d.state("a", "c") == "retrying pending"


def test_error_edges_obey_their_conditions():
    d = started("t -> a; a -error[output.error.type == 'boom']-> b; a -error[output.error.type != 'boom']-> c")
    d.fail("a", "boom")
    assert d.state("b", "c") == "queued skipped"


def test_condition_on_an_error_edge_sees_the_failed_node():
    d = started("t -> a; a -error[nodes.a.status == 'failed' and nodes.a.error.type == 'boom']-> b")
    d.fail("a", "boom")
    assert d.state("b") == "queued"


def test_condition_on_an_error_edge_that_cannot_be_evaluated_fails_the_execution():
    d = started("t -> a; a -error[1 / 0 > 0]-> b")
    d.fail("a", "boom")
    assert (d.state("a", "b"), d.status) == ("failed pending", "failed")
    assert d.execution.error["type"] == "expression_error"
    assert d.execution.error["details"]["error"]["type"] == "boom"


def test_timed_out_node_takes_its_error_edge_too():
    d = started("t -> a; a -error-> c; retry a 1")
    d.time_out("a")
    assert d.state("a", "c") == "timed_out queued"


def test_engine_node_that_fails_is_not_retried():
    d = started('t -> a; a: fail {"type": "empty", "message": "no"}; retry a 5; a -error-> b')
    assert d.state("a", "b") == "failed queued"
    assert len(d.events(NodeRetrying)) == 0


# --- the error workflow


def test_failure_sets_the_timer_of_the_error_workflow():
    d = started("t -> a", on_error="handler")
    d.fail("a")
    assert d.timer(TimerKind.ERROR_WORKFLOW) == 0


def test_completion_and_cancellation_start_no_error_workflow():
    d = started("t -> a", on_error="handler")
    done, gone = d.copy(), d.copy()
    done.complete("a")
    assert (done.status, done.timers) == ("completed", {})
    gone.send(Terminate())
    assert (gone.status, gone.timers) == ("cancelled", {})


def test_error_workflow_starts_after_a_timeout_too():
    d = started("t -> a", on_error="handler", timeout=5)
    d.now += 5000
    d.fire(TimerKind.EXECUTION_TIMEOUT)
    assert (d.status, d.timer(TimerKind.ERROR_WORKFLOW)) == ("timed_out", 0)


def test_failure_of_an_error_workflow_starts_no_other_one():
    d = Driver(graph("t -> a", on_error="handler"))
    d.send(Start("t", {"type": "error", "body": {}}))
    d.fail("a")
    assert (d.status, d.timers) == ("failed", {})


# --- lost attempts


def test_lost_attempt_runs_again_at_once_with_care_and_does_not_count():
    d = started("t -> a")
    d.lose("a")
    job: Job = d.jobs["a"]
    assert (job.attempt, job.dispatch, job.lost, job.careful) == (1, 2, 1, True)
    assert d.events(NodeInterrupted) == [NodeInterrupted("a", "", 1)]


def test_node_that_kills_its_worker_five_times_fails_and_others_go_on():
    d = started("t -> a; a -error-> x; t -> b")
    for _ in range(4):
        d.lose("a")
        assert d.state("a") == "queued"
    d.lose("a")
    assert d.state("a", "b", "x") == "failed queued queued"
    assert (d.run("a").error["type"], d.run("a").error["source"]) == ("worker_lost", "worker_lost")


def test_lost_attempts_and_failed_attempts_count_apart():
    d = started("t -> a; retry a 2")
    for _ in range(4):
        d.lose("a")
    d.fail("a", retryable=True)
    assert d.state("a") == "retrying"
    d.pass_time(1)
    d.fail("a", retryable=True)
    assert (d.state("a"), d.run("a").attempt) == ("failed", 2)


def test_interrupted_attempt_fails_when_it_must_not_run_again():
    d = started("t -> a -> b; no_interrupt a")
    assert d.jobs["a"].careful
    d.lose("a")
    assert (d.state("a"), d.run("a").error["type"]) == ("failed", "worker_lost")
    assert d.status == "failed"


def test_failure_before_the_interruption_is_still_retried_without_retry_on_interrupt():
    d = started("t -> a; no_interrupt a")
    d.fail("a", retryable=True)
    d.pass_time(1)
    assert d.jobs["a"].attempt == 2


# --- late and doubled results


def test_result_of_an_earlier_dispatch_is_discarded():
    d = started("t -> a")
    d.lose("a")
    events = len(d.history)
    assert d.ended("a", Completed("late"), dispatch=1).discarded
    assert (d.state("a"), len(d.history)) == ("queued", events)
    d.complete("a", "right")
    assert d.execution.output == "right"


def test_doubled_result_is_discarded():
    d = started("t -> a -> b")
    d.complete("a")
    assert d.ended("a", Completed("again"), dispatch=1).discarded
    assert d.ended("a", Failed("boom", ""), dispatch=1).discarded
    assert (d.run("a").output, d.state("a")) == ("a", "completed")


def test_result_after_the_execution_has_ended_is_discarded():
    d = started("t -> a; t -> b")
    d.fail("a")
    assert d.ended("b", Completed(1), dispatch=1).discarded
    assert (d.state("b"), d.status) == ("cancelled", "failed")


def test_result_for_an_unknown_node_is_discarded():
    d = started("t -> a")
    assert d.send(AttemptEnded(("ghost", ""), 1, Completed(1))).discarded


def test_result_while_the_retry_is_awaited_is_discarded():
    d = started("t -> a")
    d.fail("a", retryable=True)
    assert d.ended("a", Completed(1), dispatch=1).discarded
    assert d.state("a") == "retrying"


def test_start_of_an_attempt_is_recorded_once_and_only_of_the_present_one():
    d = started("t -> a")
    d.started("a")
    assert (d.state("a"), d.run("a").started_at) == ("running", d.now)
    assert not d.started("a").events
    d.lose("a")
    assert d.send(AttemptStarted(("a", ""), 1, d.now)).discarded
    assert d.state("a") == "queued"


def test_facts_of_one_turn_are_decided_in_order_and_none_after_the_end():
    d = started("t -> a; t -> b")
    decision = d.send(
        AttemptEnded(("a", ""), 1, Failed("boom", "")),
        AttemptEnded(("b", ""), 1, Completed(1)),
    )
    assert decision.finished
    assert d.state("a", "b") == "failed cancelled"
    assert len(d.events(NodeFailed)) == 1
