"""A decision costs the nodes that it touches, not the whole graph."""

from __future__ import annotations

import sys

import pytest
from support.driver import fold
from support.graphs import definition, graph
from support.node_types import TYPES

from flowrun.domain.decide import decide
from flowrun.domain.execution import Execution
from flowrun.domain.facts import AttemptEnded, Start
from flowrun.domain.graph import compile_graph
from flowrun.domain.node_type import Completed


def chain(size: int) -> str:
    return "t -> " + " -> ".join(f"n{number}" for number in range(size))


def fan(size: int) -> str:
    return "; ".join(f"t -> n{number} -> last" for number in range(size))


def engine_chain(size: int) -> str:
    return chain(size) + "".join(f"; n{number}: noop" for number in range(size))


def run(text: str) -> tuple[Execution, list, int]:
    """Run it to the end, one result a turn; gives the state, the history and how many calls it took."""
    execution, history, calls = Execution("x1", "acme", graph(text)), [], 0

    def count(_frame, kind, _argument):
        nonlocal calls
        calls += kind in {"call", "c_call"}

    facts = [Start("t", {"type": "manual", "body": None})]
    sys.setprofile(count)
    try:
        while facts:
            decision = decide(execution, [facts.pop()], 1000, lambda: 0.5)
            history += [(at, event) for _, at, event in decision.events]
            facts += [AttemptEnded((job.node_id, ""), job.dispatch, Completed(1)) for job in decision.jobs]
    finally:
        sys.setprofile(None)
    assert execution.status == "completed"
    return execution, history, calls


@pytest.mark.parametrize("shape", [chain, fan, engine_chain])
def test_running_a_graph_of_four_times_the_nodes_takes_four_times_the_calls(shape):
    _, small_history, small = run(shape(250))
    _, large_history, large = run(shape(1000))
    assert large / small == pytest.approx(4, rel=0.1)
    assert len(large_history) / len(small_history) == pytest.approx(4, rel=0.05)


def test_one_result_in_a_large_graph_costs_no_more_than_in_a_small_one():
    costs = []
    for size in (100, 1000):
        execution = Execution("x1", "acme", graph(fan(size)))
        decide(execution, [Start("t", {"type": "manual", "body": None})], 1000, lambda: 0.5)
        calls = []
        sys.setprofile(lambda _frame, kind, _argument, calls=calls: calls.append(kind))
        decision = decide(execution, [AttemptEnded(("n7", ""), 1, Completed(1))], 1000, lambda: 0.5)
        sys.setprofile(None)
        costs.append(len(calls))
        assert len(decision.touched) == len(decision.events) == 1
    assert costs[0] == costs[1]


def test_history_of_a_chain_is_two_events_a_step():
    execution, history, _ = run(chain(1000))
    assert len(history) == 2 * 1000 + 4  # Created, started, the trigger, …, completed.
    assert fold(execution.graph, history).output == 1


def test_compiling_a_graph_is_linear_in_its_size():
    calls = []
    for size in (250, 1000):
        written, count = definition(chain(size)), []
        sys.setprofile(lambda _frame, _kind, _argument, count=count: count.append(1))
        compile_graph(written, 1, TYPES)
        sys.setprofile(None)
        calls.append(len(count))
    assert calls[1] / calls[0] == pytest.approx(4, rel=0.1)
