"""SEMANTICS §6: pause, resume, cancel and terminate; what every command refuses."""

from __future__ import annotations

import pytest
from support.driver import START, Driver
from support.graphs import graph

from flowrun.domain.decide import CANCEL_GRACE_MS, decide
from flowrun.domain.events import CancelRequested, ExecutionPaused
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Cancel, Pause, Resume, Retry, SkipNode, Start, Terminate, TimerKind
from flowrun.domain.node_type import Cancelled, Completed
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import ConflictError, InvalidInputError


def started(text, body=None, trigger="t", **settings):
    return Driver(graph(text, **settings)).start(body, trigger=trigger)


# --- pause and resume


def test_paused_execution_lets_running_nodes_finish_and_starts_no_new_one():
    d = started("t -> a -> b")
    d.send(Pause("ada", "lunch"))
    assert (d.status, d.execution.reason) == ("paused", "lunch")
    d.complete("a")
    assert (d.status, d.state("a", "b")) == ("paused", "completed pending")
    d.send(Resume("ada"))
    assert (d.status, d.state("b"), d.execution.reason) == ("running", "queued", None)


def test_last_result_during_a_pause_completes_the_execution_at_the_resumption():
    d = started("t -> a")
    d.send(Pause())
    d.complete("a")
    assert d.status == "paused"
    d.send(Resume())
    assert d.status == "completed"


def test_failure_of_a_running_node_during_a_pause_ends_the_execution():
    d = started("t -> a")
    d.send(Pause())
    d.fail("a")
    assert d.status == "failed"


def test_retry_that_comes_due_while_paused_starts_at_the_resumption():
    d = started("t -> a")
    d.fail("a", retryable=True)
    d.send(Pause())
    d.pass_time(10)
    assert (d.state("a"), d.jobs) == ("retrying", {})
    d.send(Resume())
    assert d.jobs["a"].attempt == 2


def test_retry_keeps_its_due_time_over_a_short_pause():
    d = started("t -> a")
    d.fail("a", retryable=True)
    d.send(Pause())
    d.pass_time(0.4)
    d.send(Resume())
    assert d.timer(TimerKind.RETRY, "a") == 0.6
    d.pass_time(0.6)
    assert d.state("a") == "queued"


def test_attempt_that_fails_while_paused_is_retried_after_the_resumption():
    d = started("t -> a")
    d.send(Pause())
    d.fail("a", retryable=True)
    assert d.state("a") == "retrying"
    d.send(Resume())
    d.pass_time(1)
    assert d.jobs["a"].attempt == 2


def test_attempt_lost_while_paused_runs_again_with_care_at_the_resumption():
    d = started("t -> a")
    d.send(Pause())
    d.lose("a")
    assert (d.state("a"), d.jobs) == ("retrying", {})
    d.send(Resume())
    assert (d.jobs["a"].attempt, d.jobs["a"].careful) == (1, True)


def test_delay_that_comes_due_while_paused_completes_and_leads_on_at_the_resumption():
    d = started('t -> w -> a; w: delay {"for": 5}')
    d.send(Pause())
    d.pass_time(5)
    assert d.state("w", "a") == "completed pending"
    d.send(Resume())
    assert d.state("a") == "queued"


def test_execution_timeout_stops_counting_while_paused():
    d = started("t -> a", timeout=10)
    d.pass_time(4)
    d.send(Pause())
    assert d.timer(TimerKind.EXECUTION_TIMEOUT) is None
    assert d.events(ExecutionPaused)[0].time_left == 6000
    d.pass_time(100)
    d.send(Resume())
    assert d.timer(TimerKind.EXECUTION_TIMEOUT) == 6
    d.pass_time(6)
    assert d.status == "timed_out"


def test_timeout_that_was_on_its_way_at_the_pause_does_not_end_the_execution():
    d = started("t -> a", timeout=10)
    d.now += 10_000
    d.send(Pause())
    d.fire(TimerKind.EXECUTION_TIMEOUT)
    assert d.status == "paused"
    d.send(Resume())
    assert d.timer(TimerKind.EXECUTION_TIMEOUT) == 0


def test_waiting_execution_that_was_paused_waits_again_after_the_resumption():
    d = started('t -> w; w: delay {"for": 5}')
    assert d.status == "waiting"
    d.send(Pause())
    d.send(Resume())
    assert d.status == "waiting"


def test_draining_execution_that_is_resumed_ends():
    d = started("t -> a; t -> b; on_error a drain")
    d.fail("a")
    d.send(Pause())
    d.complete("b")
    assert d.status == "paused"
    d.send(Resume())
    assert d.status == "failed"


# --- cancel and terminate


def test_cancel_tells_workers_to_stop_and_waits_for_them():
    d = started('t -> a -> c; t -> b; t -> w; w: delay {"for": 50}')
    d.fail("b", retryable=True)
    d.send(Cancel("ada", "wrong order"))
    assert (d.status, d.stopped) == ("cancelling", ["a"])
    assert d.state("a", "b", "w") == "queued cancelled cancelled"
    d.ended("a", Cancelled())
    assert (d.status, d.state("a", "c"), d.execution.reason) == ("cancelled", "cancelled pending", "wrong order")
    assert d.events(CancelRequested) == [CancelRequested("ada", "wrong order")]


def test_result_that_arrives_during_the_cancellation_is_kept_and_leads_nowhere():
    d = started("t -> a -> b")
    d.send(Cancel())
    d.complete("a")
    assert (d.status, d.state("a", "b")) == ("cancelled", "completed pending")


@pytest.mark.parametrize("graph_text", ["t -> a", "t -> a; a -error-> b", "t -> a -> b; on_error a continue"])
def test_failure_that_arrives_during_the_cancellation_is_of_no_consequence(graph_text):
    d = started(graph_text, on_error="handler")
    d.send(Cancel())
    d.fail("a", retryable=True)
    assert (d.status, d.state("a")) == ("cancelled", "cancelled")
    assert d.timers == {}


def test_edge_condition_that_fails_during_the_cancellation_is_of_no_consequence():
    d = started("t -> a; a -[1 / 0 > 0]-> b", on_error="handler")
    d.send(Cancel())
    d.complete("a")
    assert d.status == "cancelled"


def test_worker_lost_during_the_cancellation_does_not_run_again():
    d = started("t -> a")
    d.send(Cancel())
    d.lose("a")
    assert d.status == "cancelled"


def test_worker_that_ignores_the_cancellation_is_given_up_after_the_grace():
    d = started("t -> a")
    d.send(Cancel())
    assert d.timer(TimerKind.CANCEL_GRACE) == CANCEL_GRACE_MS / 1000
    d.pass_time(CANCEL_GRACE_MS / 1000)
    assert (d.status, d.state("a")) == ("cancelled", "cancelled")
    assert d.ended("a", Completed(1), dispatch=1).discarded


def test_cancel_of_an_execution_in_which_nothing_runs_ends_it_at_once():
    d = started('t -> w; w: delay {"for": 5}')
    d.send(Cancel())
    assert (d.status, d.timers) == ("cancelled", {})


def test_paused_execution_can_be_cancelled():
    d = started("t -> a", timeout=9)
    d.send(Pause())
    d.send(Cancel())
    assert d.status == "cancelling"
    d.ended("a", Cancelled())
    assert d.status == "cancelled"


def test_worker_that_stops_without_having_been_told_to_is_lost():
    d = started("t -> a")
    d.ended("a", Cancelled())
    assert (d.state("a"), d.jobs["a"].dispatch) == ("queued", 2)


def test_terminate_ends_at_once_and_stops_workers():
    d = started("t -> a; t -> b")
    d.fail("b", retryable=True)
    d.send(Terminate("ada", "now"))
    assert (d.status, d.state("a", "b")) == ("cancelled", "cancelled cancelled")
    assert (d.stopped, d.execution.reason) == (["a"], "now")


def test_terminate_ends_a_cancellation_that_takes_too_long():
    d = started("t -> a")
    d.send(Cancel())
    d.send(Terminate())
    assert (d.status, d.timers) == ("cancelled", {})


# --- which trigger


def test_trigger_is_the_named_one_else_the_first_manual_one():
    found = graph('h -> a; t2 -> a; t3 -> a; h: webhook {"path": "x"}')
    assert found.trigger("t3").id == "t3"
    assert found.trigger(None).id == "t2"
    with pytest.raises(InvalidInputError, match="ghost"):
        found.trigger("ghost")


def test_disabled_trigger_cannot_be_fired():
    with pytest.raises(InvalidInputError, match="t2"):
        graph("t -> a; t2 -> a; disabled t2").trigger("t2")


# --- idempotent and impossible commands


def in_state(state: str) -> Driver:
    d = started("t -> a -> b")
    if state == "paused":
        d.send(Pause())
    elif state == "waiting":
        d = started('t -> w; w: delay {"for": 5}')
    elif state == "failed":
        d.fail("a")
    elif state == "timed_out":
        d = started("t -> a", timeout=5)
        d.pass_time(5)
    elif state in {"cancelling", "cancelled"}:
        d.send(Cancel())
        if state == "cancelled":
            d.ended("a", Cancelled())
    elif state == "completed":
        d.complete("a")
        d.complete("b")
    assert d.status == state
    return d


FINAL = ("completed", "failed", "cancelled", "timed_out")
LIVE = ("running", "waiting", "paused", "cancelling")
IDEMPOTENT = [
    (Pause(), "paused"),
    (Resume(), "running"),
    (Resume(), "waiting"),
    (Cancel(), "cancelling"),
    (Cancel(), "cancelled"),
    (Terminate(), "cancelled"),
]
IMPOSSIBLE = [
    *((Pause(), state) for state in (*FINAL, "cancelling")),
    *((Resume(), state) for state in (*FINAL, "cancelling")),
    *((Cancel(), state) for state in FINAL if state != "cancelled"),
    *((Terminate(), state) for state in FINAL if state != "cancelled"),
    *((Retry(), state) for state in (*LIVE, "completed")),
    *((SkipNode(("a", "")), state) for state in (*FINAL, "cancelling") if state != "timed_out"),
]


@pytest.mark.parametrize(("command", "state"), IDEMPOTENT, ids=lambda value: str(value).partition("(")[0])
def test_repeated_command_changes_nothing(command, state):
    d = in_state(state)
    events = len(d.history)
    d.send(command)
    assert (d.status, len(d.history)) == (state, events)


@pytest.mark.parametrize(("command", "state"), IMPOSSIBLE, ids=lambda value: str(value).partition("(")[0])
def test_impossible_command_is_refused_naming_the_state_and_changes_nothing(command, state):
    d = in_state(state)
    events = len(d.history)
    with pytest.raises(ConflictError, match=state):
        d.send(command)
    assert (d.status, len(d.history)) == (state, events)


def test_commands_record_who_asked():
    d = Driver(graph("t -> a")).start(by="ada")
    d.send(Pause("ben"))
    d.send(Resume("cleo"))
    d.send(Cancel("dora"))
    d.send(Terminate("eve"))
    d.send(Retry("finn"))
    by = [getattr(event, "by", None) for _, event in d.history]
    assert [name for name in by if name] == ["ada", "ben", "cleo", "dora", "eve", "finn"]


def test_execution_that_was_cancelled_while_queued_begins_with_its_retry():
    execution = Execution("x1", "acme", graph("t -> a"))
    for fact in (Start("t", {"type": "manual", "body": None}, hold=True), Cancel(), Retry(), Pause()):
        decide(execution, [fact], START, lambda: 1.0)
    assert execution.started_at == START
    decide(execution, [Resume()], START, lambda: 1.0)
    assert execution.status is ExecutionStatus.RUNNING, "nobody would admit it a second time"
