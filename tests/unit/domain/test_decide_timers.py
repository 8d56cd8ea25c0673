"""SEMANTICS §2, §4 and §6: delays, the waiting state, the workflow's timeout, timers that come early or late."""

from __future__ import annotations

from support.driver import Driver
from support.graphs import graph

from flowrun.domain.facts import TimerKind


def started(text, body=None, trigger="t", **settings):
    return Driver(graph(text, **settings)).start(body, trigger=trigger)


def test_execution_waits_when_only_a_delay_will_carry_it_on():
    d = started('t -> w -> a; w: delay {"for": 5}', {"x": 1})
    assert (d.status, d.state("w")) == ("waiting", "waiting")
    d.pass_time(5)
    assert (d.status, d.jobs["a"].input) == ("running", {"x": 1})


def test_execution_with_running_or_retrying_nodes_is_running():
    d = started('t -> w; t -> a; w: delay {"for": 50}')
    assert d.status == "running"
    d.fail("a", retryable=True)
    assert d.status == "running"
    d.pass_time(1)
    d.complete("a")
    assert d.status == "waiting"


def test_delay_of_no_time_goes_on_at_once():
    assert started('t -> w; w: delay {"for": 0}').status == "completed"


def test_timer_that_fires_before_it_is_due_is_set_again():
    d = started('t -> w; t -> a; w: delay {"for": 50}', timeout=90)
    d.fail("a", retryable=True)
    d.fire(TimerKind.DELAY, "w")
    d.fire(TimerKind.RETRY, "a")
    d.fire(TimerKind.EXECUTION_TIMEOUT)
    assert d.state("w", "a") == "waiting retrying"
    assert [d.timer(TimerKind.DELAY, "w"), d.timer(TimerKind.RETRY, "a")] == [50, 1]
    assert d.timer(TimerKind.EXECUTION_TIMEOUT) == 90


def test_timer_of_a_run_that_no_longer_waits_changes_nothing():
    d = started('t -> w; t -> a; t -> b; w: delay {"for": 5}')
    d.pass_time(5)
    d.fail("a", retryable=True)
    d.pass_time(1)
    events = len(d.history)
    d.fire(TimerKind.DELAY, "w")
    d.fire(TimerKind.RETRY, "a")
    assert d.fire(TimerKind.RETRY, "nobody").discarded
    assert len(d.history) == events


def test_workflow_timeout_ends_the_execution_and_stops_what_runs():
    d = started('t -> a; t -> b; t -> w; w: delay {"for": 50}', timeout=5)
    d.fail("b", retryable=True, retry_after=20)
    d.pass_time(5)
    assert (d.status, d.state("a", "b", "w")) == ("timed_out", "cancelled cancelled cancelled")
    assert d.execution.error["type"] == "execution_timeout"
    assert d.stopped == ["a"]


def test_timer_of_an_ended_execution_is_discarded():
    d = started("t -> a", timeout=5)
    d.complete("a")
    d.now += 5000
    decision = d.fire(TimerKind.EXECUTION_TIMEOUT)
    assert decision.discarded
    assert decision.ended_timers
    assert d.status == "completed"
