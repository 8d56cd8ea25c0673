"""Loops: the body is a scope of its own for each iteration."""

from __future__ import annotations

from typing import Any

import pytest
from support.node_types import TYPES

from flowrun.domain import events as e
from flowrun.domain.decide import decide
from flowrun.domain.definition import EdgeDefinition, NodeDefinition, WorkflowDefinition
from flowrun.domain.events import event_data, restore_event
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution
from flowrun.domain.facts import (
    Admit,
    AttemptEnded,
    Cancel,
    Pause,
    Resume,
    Retry,
    SkipNode,
    Start,
    Terminate,
    TimerFired,
    TimerKind,
)
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.node_type import Completed, Failed


def graph(nodes: dict[str, Any], *edges: str) -> Graph:
    """Nodes by id as `(type, params)`, edges as `a -> b` or `a -port-> b`."""
    found = [NodeDefinition(name, kind, params=params) for name, (kind, params) in nodes.items()]
    return compile_graph(WorkflowDefinition("w", "w", tuple(found), tuple(map(edge, edges))), 1, TYPES)


def edge(text: str) -> EdgeDefinition:
    left, target = text.split("> ")
    source, _, port = left.rstrip("- ").partition(" -")
    return EdgeDefinition(text, source.strip(), target.strip(), port.strip() or None)


class Play:
    """One execution whose worker results the test gives."""

    def __init__(self, graph: Graph, body: Any = None) -> None:
        self.execution = Execution("x", "acme", graph)
        self.history: list[tuple[int, e.Event]] = []
        self.jobs: list[Any] = []
        self.turns = 0
        self.tell(Start("t", {"type": "manual", "body": body}))

    def tell(self, fact: Any) -> None:
        facts = [fact]
        while facts:
            decision = decide(self.execution, [facts.pop()], 1000, lambda: 0.0)
            self.turns += 1
            self.history += [(at, event) for _, at, event in decision.events]
            self.jobs += decision.jobs
            facts += [TimerFired(TimerKind.CONTINUE) for timer in decision.timers if timer.kind == "continue"]

    def finish(self, job: Any, outcome: Any = None) -> None:
        self.jobs.remove(job)
        outcome = outcome or Completed({"done": job.input})
        self.tell(AttemptEnded((job.node_id, job.iteration), job.dispatch, outcome))

    def folded(self) -> Execution:
        """The state that the stored history gives."""
        again = Execution("x", "acme", self.execution.graph)
        for at, event in self.history:
            node, iteration = getattr(event, "node", None), getattr(event, "iteration", "")
            evolve(again, restore_event(event.type, node, iteration, event_data(event)), at)
        return again


LOOP = {
    "t": ("manual", {}),
    "f": ("for_each", {"items": "input.items", "concurrency": 2}),
    "w": ("step", {}),
    "after": ("noop", {}),
}
EDGES = ("t -> f", "f -each-> w", "f -done-> after")


def names(play: Play) -> list[str]:
    return [job.iteration for job in play.jobs]


def test_items_run_so_many_at_once_and_collect_in_order() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    assert names(play) == ["0", "1"]
    play.finish(play.jobs[1])
    assert names(play) == ["0", "2"]
    play.finish(play.jobs[1])
    play.finish(play.jobs[0])
    assert play.execution.status == "completed"
    assert play.execution.output == [{"done": "a"}, {"done": "b"}, {"done": "c"}]
    assert not play.execution.scopes


def test_no_items_take_the_done_port_at_once() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": []})
    assert (play.execution.status, play.execution.output) == ("completed", [])


def test_what_is_not_a_list_fails_the_node() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": 7})
    assert play.execution.status == "failed"
    assert play.execution.error["type"] == "invalid_params"


def test_the_body_sees_item_index_and_what_is_upstream_of_the_loop() -> None:
    nodes = {
        **LOOP,
        "f": ("for_each", {"items": "input.items"}),
        "w": ("transform", {"value": "{{ [item, index, nodes.t.output.items[index], input] }}"}),
        "v": ("transform", {"value": "{{ nodes.w.output[0] + 'x' }}"}),
    }
    play = Play(graph(nodes, *EDGES, "w -> v"), {"items": ["a", "b"]})
    assert play.execution.output == ["ax", "bx"]


def test_a_branch_within_the_body_gives_each_item_its_own_way() -> None:
    nodes = {
        "t": ("manual", {}),
        "f": ("for_each", {"items": "input"}),
        "big": ("if", {"condition": "item > 10"}),
        "yes": ("transform", {"value": "{{ 'big' }}"}),
        "no": ("transform", {"value": "{{ 'small' }}"}),
        "after": ("noop", {}),
    }
    edges = ("t -> f", "f -each-> big", "big -true-> yes", "big -false-> no", "f -done-> after")
    assert Play(graph(nodes, *edges), [1, 20, 3]).execution.output == ["small", "big", "small"]


def test_an_edge_drawn_back_to_the_loop_changes_nothing() -> None:
    play = Play(graph(LOOP, *EDGES, "w -> f"), {"items": ["a"]})
    play.finish(play.jobs[0])
    assert play.execution.output == [{"done": "a"}]


def test_loops_nest() -> None:
    nodes = {
        "t": ("manual", {}),
        "outer": ("for_each", {"items": "input"}),
        "inner": ("for_each", {"items": "item"}),
        "w": ("transform", {"value": "{{ [item, index, nodes.mark.output] }}"}),
        "mark": ("transform", {"value": "{{ 'row ' + text(index) }}"}),
        "sum": ("transform", {"value": "{{ len(input) }}"}),
    }
    edges = ("t -> outer", "outer -each-> mark", "mark -> inner", "inner -each-> w", "inner -done-> sum")
    play = Play(graph(nodes, *edges), [["a", "b"], []])
    assert (play.execution.status, play.execution.output) == ("completed", [2, 0])


def test_an_item_that_fails_fails_the_loop_and_stops_the_others() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    play.finish(play.jobs[0], Failed("boom", "no"))
    assert play.execution.status == "failed"
    assert play.execution.error["type"] == "item_failed"
    assert play.execution.error["details"]["index"] == 0
    assert play.execution.error["details"]["error"]["type"] == "boom"


def test_errors_can_be_collected() -> None:
    nodes = {**LOOP, "f": ("for_each", {"items": "input.items", "on_item_error": "collect"})}
    play = Play(graph(nodes, *EDGES), {"items": ["a", "b"]})
    play.finish(play.jobs[0], Failed("boom", "no"))
    play.finish(play.jobs[0])
    first, second = play.execution.output
    assert (first["error"]["type"], second) == ("boom", {"done": "b"})


def test_the_loops_own_error_edge_handles_a_failed_item() -> None:
    nodes = {**LOOP, "rescue": ("noop", {})}
    play = Play(graph(nodes, *EDGES, "f -error-> rescue"), {"items": ["a", "b"]})
    play.finish(play.jobs[0], Failed("boom", "no"))
    assert play.execution.status == "completed"
    assert play.execution.output["error"]["type"] == "item_failed"
    assert not play.execution.scopes


@pytest.mark.parametrize(
    "retry",
    [
        (Retry(),),
        (Retry(hold=True), Admit()),
        (Retry(hold=True), Pause(), Admit(), Resume()),
        (Retry(hold=True), Pause(), Resume(), Admit()),
    ],
)
def test_a_retry_keeps_the_items_that_were_done(retry: tuple[Any, ...]) -> None:
    nodes = {**LOOP, "f": ("for_each", {"items": "input.items", "concurrency": 3})}
    play = Play(graph(nodes, *EDGES), {"items": ["a", "b", "c", "d"]})
    play.finish(play.jobs[0])
    play.finish(play.jobs[0], Failed("boom", "no"))
    assert play.execution.status == "failed"
    play.jobs.clear()
    for fact in retry:
        assert not play.jobs
        play.tell(fact)
    assert sorted(names(play)) == ["1", "2", "3"]
    while play.jobs:
        play.finish(play.jobs[0])
    assert play.execution.output == [{"done": one} for one in "abcd"]


@pytest.mark.parametrize("command", [Cancel(), Terminate()])
def test_cancelling_stops_every_iteration(command: Any) -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    play.tell(command)
    if isinstance(command, Cancel):
        assert play.execution.status == "cancelling"
        for job in list(play.jobs):
            play.finish(job)
    assert play.execution.status == "cancelled"


def test_a_paused_loop_starts_no_item_until_it_is_resumed() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    play.tell(Pause())
    play.finish(play.jobs[0])
    play.finish(play.jobs[0])
    assert names(play) == []
    play.tell(Resume())
    assert names(play) == ["2"]
    play.finish(play.jobs[0])
    assert play.execution.status == "completed"


def test_an_operator_can_end_a_loop_with_an_output() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    play.tell(SkipNode(("f", ""), output="enough", by="me"))
    assert (play.execution.status, play.execution.output) == ("completed", "enough")
    assert not play.execution.scopes
    assert play.execution.runs["after", ""].status == "completed", "what follows the loop runs"


def test_loop_goes_on_while_its_condition_holds() -> None:
    nodes = {
        "t": ("manual", {}),
        "l": ("loop", {"condition": "input.n < 3"}),
        "w": ("transform", {"value": {"n": "{{ input.n + 1 }}", "i": "{{ index }}"}}),
        "after": ("noop", {}),
    }
    play = Play(graph(nodes, "t -> l", "l -each-> w", "l -done-> after"), {"n": 0})
    assert play.execution.output == {"n": 3, "i": 2}
    assert Play(graph(nodes, "t -> l", "l -each-> w", "l -done-> after"), {"n": 9}).execution.output == {"n": 9}


def test_loop_ends_after_its_most_iterations() -> None:
    nodes = {
        "t": ("manual", {}),
        "l": ("loop", {"condition": "true", "max_iterations": 4}),
        "w": ("transform", {"value": "{{ index }}"}),
    }
    assert Play(graph(nodes, "t -> l", "l -each-> w")).execution.output == 3


def test_the_history_folds_to_the_state_in_the_middle_and_at_the_end() -> None:
    play = Play(graph(LOOP, *EDGES), {"items": ["a", "b", "c"]})
    while play.jobs:
        live, folded = play.execution, play.folded()
        assert state(live) == state(folded)
        play.finish(play.jobs[-1])
    assert state(play.execution) == state(play.folded())


def state(execution: Execution) -> Any:
    runs = {key: (run.status, run.attempt, run.output, run.error) for key, run in execution.runs.items()}
    scopes = {key: (scope.index, scope.item, scope.ended) for key, scope in execution.scopes.items()}
    counts = (execution.active, execution.waiting, execution.looping, execution.ended, execution.status)
    return runs, scopes, counts, execution.output


def test_ten_thousand_items_leave_no_runs_in_memory_and_the_turns_stay_short() -> None:
    nodes = {
        "t": ("manual", {}),
        "f": ("for_each", {"items": "range(10000)"}),
        "w": ("transform", {"value": "{{ item * 2 }}"}),
        "sum": ("transform", {"value": "{{ len(input) }}"}),
    }
    play = Play(graph(nodes, "t -> f", "f -each-> w", "f -done-> sum"))
    assert (play.execution.status, play.execution.output) == ("completed", 10_000)
    assert len(play.execution.runs) == 3


COSTLY = "{{ sum([x * x for x in range(4000)]) }}"


@pytest.mark.parametrize("shape", ["fan", "loop"])
def test_costly_expressions_are_spread_over_several_turns(shape: str) -> None:
    costly = ("transform", {"value": COSTLY})
    if shape == "fan":
        nodes = {"t": ("manual", {}), **{f"n{number}": costly for number in range(20)}}
        play = Play(graph(nodes, *(f"t -> n{number}" for number in range(20))))
    else:
        nodes = {"t": ("manual", {}), "f": ("for_each", {"items": "range(20)"}), "w": costly, "after": ("noop", {})}
        play = Play(graph(nodes, *EDGES))
    assert play.execution.status == "completed"
    assert 5 <= play.turns <= 25
    assert play.folded().status == "completed"


def test_cheap_expressions_share_a_turn() -> None:
    nodes = {"t": ("manual", {}), **{f"n{number}": ("transform", {"value": "{{ 1 + 1 }}"}) for number in range(100)}}
    assert Play(graph(nodes, *(f"t -> n{number}" for number in range(100)))).turns == 1
