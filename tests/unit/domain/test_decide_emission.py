"""Nodes that emit events, and params that hold secrets: what the decision makes of them."""

from __future__ import annotations

from support.driver import START, Driver
from support.graphs import graph

from flowrun.domain.emission import MAX_CHAIN
from flowrun.domain.facts import Start, TimerKind
from flowrun.domain.secret_marks import filled, marked_names

EMIT = 't -> e -> after; e: emit {"event_type": "order.{{ input.what }}", "subject": "{{ input.id }}"}; after: noop'


def test_an_event_is_the_output_and_a_timer_of_the_same_decision_sees_to_it():
    d = Driver(graph(EMIT)).start({"what": "paid", "id": "7"})
    assert d.status == "completed"
    assert d.run("e").output == {
        "specversion": "1.0",
        "id": "x1:e:",
        "source": "/tenants/acme/workflows/w",
        "type": "order.paid",
        "time": "2001-09-09T01:46:40.000Z",
        "flowrundepth": 1,
        "data": {"what": "paid", "id": "7"},
        "subject": "7",
    }
    assert d.timers == {(TimerKind.EVENT, "e", ""): START}
    assert d.input("after") == d.run("e").output


def test_null_is_data_too():
    d = Driver(graph('t -> e; e: emit {"event_type": "x", "data": null}')).start(5)
    assert d.run("e").output["data"] is None


def test_what_fails_emits_nothing():
    for text in (
        't -> e; e: emit {"event_type": "{{ input.type }}"}',
        't -> e -[1 / 0]-> after; e: emit {"event_type": "x"}; after: noop',
        't -> e; e: emit {"event_type": "x", "data": "{{ 1 / 0 }}"}',
    ):
        d = Driver(graph(text)).start({"type": "a b"})
        assert (d.status, d.timers) == ("failed", {}), text


def test_a_skipped_or_disabled_node_emits_nothing():
    d = Driver(graph('t -[false]-> e; e: emit {"event_type": "x"}')).start()
    assert (d.state("e"), d.timers) == ("skipped", {})
    d = Driver(graph('t -> e; e: emit {"event_type": "x"}; disabled e')).start(5)
    assert (d.run("e").output, d.timers) == (5, {})


def test_a_chain_ends():
    for depth, status in ((0, "completed"), (MAX_CHAIN - 1, "completed"), (MAX_CHAIN, "failed"), (99, "failed")):
        d = Driver(graph('t -> e; e: emit {"event_type": "x"}'))
        d.send(Start("t", {"type": "event", "event": {}, "body": None, "depth": depth}))
        assert d.status == status
        if status == "completed":
            assert d.run("e").output["flowrundepth"] == depth + 1
        else:
            assert d.execution.error["type"] == "event_chain_too_long"
            assert d.timers == {}


def test_a_depth_that_somebody_made_up_is_no_harm():
    for depth in (-5, True, "16", None, 1.5):
        d = Driver(graph('t -> e; e: emit {"event_type": "x"}'))
        d.send(Start("t", {"type": "event", "body": None, "depth": depth}))
        assert (d.status, d.run("e").output["flowrundepth"]) == ("completed", 1)


def test_the_events_of_two_nodes_differ():
    d = Driver(graph('t -> a -> b; a: emit {"event_type": "x"}; b: emit {"event_type": "x"}')).start()
    assert d.run("a").output["id"] != d.run("b").output["id"]
    assert len(d.timers) == 2


# --- secrets


def numbers():
    """A jitter that never repeats."""
    state = [0]

    def jitter():
        state[0] += 1
        return (state[0] * 0.618) % 1

    return jitter


def test_a_job_holds_marks_that_only_its_own_token_finds():
    text = 't -> a -> b; a: step {"value": ["x {{ secrets.A }}", "{{ input }}"]}; b: step {"value": "{{ secrets.A }}"}'
    d = Driver(graph(text), jitter=numbers()).start("in")
    first = d.jobs["a"]
    assert marked_names(first.params, first.secret_token) == {"A"}
    assert filled(first.params, first.secret_token, {"A": "s"})["value"] == ["x s", "in"]
    d.complete("a", "out")
    second = d.jobs["b"]
    assert first.secret_token != second.secret_token
    assert marked_names(second.params, first.secret_token) == set()


def test_a_retry_is_marked_anew():
    d = Driver(graph('t -> a; a: step {"value": "{{ secrets.A }}"}; retry a 3'), jitter=numbers()).start()
    first = d.jobs["a"].secret_token
    d.fail("a", retryable=True)
    d.pass_time(10)
    assert d.jobs["a"].attempt == 2
    assert d.jobs["a"].secret_token not in {None, first}
    assert marked_names(d.jobs["a"].params, d.jobs["a"].secret_token) == {"A"}


def test_a_job_without_secrets_has_no_token():
    assert Driver(graph("t -> a")).start().jobs["a"].secret_token is None
