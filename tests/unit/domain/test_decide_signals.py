"""SEMANTICS §2 and §6: nodes that wait for a signal, by name, by their own address, with a form, for so long."""

from __future__ import annotations

import pytest
from support.driver import Driver
from support.graphs import definition, graph
from support.node_types import TYPES

from flowrun.domain.events import NodeCompleted, SignalReceived
from flowrun.domain.facts import Cancel, Pause, Resume, Signal, SkipNode, TimerKind
from flowrun.domain.validate import validate
from flowrun.errors import ConflictError, InvalidInputError

FORM = '{"approval": true}'


def started(text, body=None, **settings):
    return Driver(graph(text, **settings)).start(body)


def test_execution_waits_until_the_signal_comes_and_goes_on_with_its_data():
    d = started("t -> w -> a; w: wait_for_signal")
    assert (d.status, d.state("w"), d.timers) == ("waiting", "waiting", {})
    d.signal("w", {"x": 1})
    assert (d.status, d.state("w")) == ("running", "completed")
    output = d.jobs["a"].input
    assert (output["data"], output["by"]) == ({"x": 1}, "ann")
    assert output["received_at"].startswith("2001-09-09T01:46:40")


def test_signal_of_another_name_is_refused_with_the_names_there_are():
    d = started('t -> w; w: wait_for_signal {"name": "paid"}')
    with pytest.raises(InvalidInputError) as refused:
        d.signal("payd")
    (issue,) = refused.value.issues
    assert (issue.path, issue.suggestion) == ("name", "paid")
    assert d.status == "waiting"


def test_signal_that_comes_before_its_node_waits_is_kept_for_it():
    d = started("t -> a -> w -> b; w: wait_for_signal")
    d.signal("w", 1)
    d.complete("a")
    assert (d.state("w"), d.jobs["b"].input["data"]) == ("completed", 1)
    assert not d.execution.signals
    assert d.copy().state("w", "b") == "completed queued"


def test_signal_that_was_kept_is_taken_once():
    d = started('t -> a -> w -> v; w: wait_for_signal {"name": "go"}; v: wait_for_signal {"name": "go"}')
    d.signal("go", 1)
    d.complete("a")
    assert d.state("w", "v") == "completed waiting"
    d.signal("go", 2)
    assert d.status == "completed"
    assert [event.data for event in d.events(SignalReceived)] == [1, 2]
    assert [event.signal is not None for event in d.events(NodeCompleted) if event.node in {"w", "v"}] == [True, True]


def test_more_signals_than_nodes_to_take_them_are_refused():
    d = started("t -> a -> w -> b; w: wait_for_signal")
    d.signal("w")
    with pytest.raises(ConflictError, match="any more"):
        d.signal("w")
    d.complete("a")
    with pytest.raises(ConflictError, match="any more"):
        d.signal("w")


def test_signal_to_a_node_is_good_once():
    d = started("t -> w -> a; w: wait_for_signal")
    d.signal(None, 1, node="w")
    with pytest.raises(ConflictError, match="answered"):
        d.signal(None, 2, node="w")
    assert d.jobs["a"].input["data"] == 1


def test_signal_to_a_node_that_waits_for_none_is_refused():
    d = started("t -> w -> a; w: wait_for_signal")
    with pytest.raises(InvalidInputError):
        d.signal(None, node="a")


@pytest.mark.parametrize(("end", "status"), [("cancel", "cancelled"), ("signal", "completed")])
def test_ended_execution_takes_no_signals(end, status):
    d = started("t -> w; w: wait_for_signal")
    if end == "cancel":
        d.send(Cancel())
    else:
        d.signal("w")
    assert (d.status, d.timers) == (status, {})
    with pytest.raises(ConflictError, match=status):
        d.signal("w")


def test_wait_that_lasts_too_long_leaves_by_the_timeout_port():
    d = started('t -> w; w -> a; w -timeout-> b; w: wait_for_signal {"timeout": 60}')
    assert d.timer(TimerKind.SIGNAL, "w") == 60
    d.pass_time(60)
    assert d.state("w", "a", "b") == "completed skipped queued"
    assert d.jobs["b"].input == {"signal": "w", "timed_out": True}


def test_wait_that_lasts_too_long_fails_without_a_timeout_port():
    d = started('t -> w -> a; w: wait_for_signal {"timeout": 60}')
    d.pass_time(60)
    assert (d.status, d.state("w")) == ("failed", "timed_out")
    assert d.execution.error["type"] == "signal_timeout"


def test_signal_in_time_ends_the_timer():
    d = started('t -> w; w: wait_for_signal {"timeout": 60}')
    d.signal("w")
    assert (d.status, d.timers) == ("completed", {})


def test_timer_that_fires_early_is_set_again():
    d = started('t -> w; w: wait_for_signal {"timeout": 60}')
    d.fire(TimerKind.SIGNAL, "w")
    assert (d.state("w"), d.timer(TimerKind.SIGNAL, "w")) == ("waiting", 60)


@pytest.mark.parametrize(("approved", "states"), [(True, "queued skipped queued"), (False, "skipped queued skipped")])
def test_approval_leaves_by_its_port(approved, states):
    d = started(f"t -> w; w -approved-> a; w -rejected-> b; w -> c; w: wait_for_signal {FORM}")
    d.signal("w", {"approved": approved, "comment": "ok"})
    assert d.state("a", "b", "c") == states
    output = d.run("w").output
    assert (output["approved"], output["data"]) == (approved, {"comment": "ok"})


def test_answer_that_does_not_fit_the_form_changes_nothing():
    d = started(f"t -> w; w: wait_for_signal {FORM}")
    for wrong in (None, {}, {"approved": "perhaps"}, {"approved": True, "coment": "x"}, 5):
        with pytest.raises(InvalidInputError):
            d.signal("w", wrong)
    assert d.state("w") == "waiting"
    assert not d.events(SignalReceived)


def test_answer_to_a_form_is_not_kept_before_the_node_waits():
    d = started(f"t -> a -> w; w: wait_for_signal {FORM}")
    with pytest.raises(ConflictError, match="yet"):
        d.signal("w", {"approved": True})


@pytest.mark.parametrize("paused", [20, 200])
def test_time_of_a_wait_stands_still_during_a_pause(paused):
    d = started('t -> w -> a; w: wait_for_signal {"timeout": 60, "approval": true}')
    d.pass_time(50)
    d.send(Pause())
    d.pass_time(paused)
    assert (d.status, d.state("w")) == ("paused", "waiting")
    d.send(Resume())
    assert (d.timer(TimerKind.SIGNAL, "w"), d.state("w")) == (10, "waiting")
    d = d.copy()
    d.pass_time(9)
    assert d.state("w") == "waiting"
    d.pass_time(1)
    assert (d.status, d.state("w")) == ("failed", "timed_out")


def test_paused_execution_records_the_signal_and_goes_on_later():
    d = started("t -> w -> a; w: wait_for_signal")
    d.send(Pause())
    d.signal("w", 1)
    assert (d.status, d.state("w", "a")) == ("paused", "completed pending")
    d.send(Resume())
    assert d.state("a") == "queued"


def test_wait_survives_a_restart():
    d = started('t -> w -> a; w: wait_for_signal {"timeout": 60}').copy()
    d.signal("w", 1)
    assert d.state("w", "a") == "completed queued"


def test_wait_can_be_skipped_by_an_operator():
    d = started('t -> w -> a; w: wait_for_signal {"timeout": 60}')
    d.send(SkipNode(("w", ""), {"by hand": True}))
    assert (d.jobs["a"].input, d.timers) == ({"by hand": True}, {})


def test_each_iteration_waits_for_a_signal_of_its_own():
    text = 't -> l; l -each-> w; l -done-> a; l: for_each {"items": [1, 2], "concurrency": 2}; w: wait_for_signal'
    d = started(text)
    d.signal("w", "first")
    d.signal("w", "second")
    assert [one["data"] for one in d.jobs["a"].input] == ["first", "second"]


def test_address_of_an_iteration_that_is_over_is_refused():
    text = 't -> l; l -each-> w; l -done-> a; l: for_each {"items": [1, 2], "concurrency": 1}; w: wait_for_signal'
    d = started(text)
    d.send(Signal(None, 1, ("w", "0")))
    for iteration in ("0", "5"):
        with pytest.raises(ConflictError, match="answered"):
            d.send(Signal(None, 1, ("w", iteration)))
    d.send(Signal(None, 2, ("w", "1")))
    assert d.state("l") == "completed"


class Links:
    def url(self, execution, node, iteration):
        return f"https://f/{execution}/{node}/{iteration}"


def test_address_is_known_before_the_node_waits_and_per_iteration():
    text = (
        't -> a -> l; l -each-> b -> w; a: step {"value": "{{ execution.resume_urls }}"}; w: wait_for_signal; '
        'b: step {"value": "{{ execution.resume_urls.w }}"}; l: for_each {"items": [1]}; t -> v; v: wait_for_signal'
    )
    d = Driver(graph(text))
    d.execution.links = Links()
    d.start()
    assert d.jobs["a"].params["value"] == {"v": "https://f/x1/v/"}
    d.complete("a")
    assert d.jobs["b"].params["value"] == "https://f/x1/w/0"


def test_address_of_a_node_that_does_not_wait_is_refused():
    (issue,) = validate(definition('t -> a -> b; a: step {"value": "{{ execution.resume_urls.b }}"}'), TYPES)
    assert issue.message == "there is no node 'b' that waits for a signal"
