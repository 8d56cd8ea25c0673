"""Large graphs are drawn in a time that nobody notices; limits leave room for a busy machine."""

import time

import pytest
from unit.tui.shapes import chain, fan, layered, shape

from tui.render.canvas import Box
from tui.render.graph import arrange, best_layout, paint, plan_graph, tree_layout
from tui.render.states import NodeState

LARGE = {
    "chain": shape(chain(1000)),
    "fan": shape(fan(998)),
    "layers": shape(layered(200, 5)),
    "errors to one": shape(chain(1000) + "\n" + "\n".join(f"step-{n} -error-> alert" for n in range(999))),
    "branches": shape("\n".join(f"n{(n - 1) // 2} -> n{n}" for n in range(1, 1000))),
    "loops": shape(
        "\n".join(f"l{n} -each-> a{n} -> b{n}; l{n} -done-> l{n + 1}" for n in range(333)),
    ),
    "random": shape("\n".join(f"n{a} -> n{a + 1 + (a * 7919) % (999 - a)}; n{a} -> n{a + 1}" for a in range(999))),
}
WINDOW = Box(10, 0, 160, 50)


def spent(work):
    """The processor's time for it in seconds, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def yardstick():
    """The processor's time for a fixed piece of plain Python: what this machine does in a tenth of a second or so."""
    return min(spent(lambda: sum(number % 7 for number in range(1_000_000)))[0] for _ in range(3))


@pytest.mark.parametrize("name", LARGE)
def test_a_thousand_nodes_are_drawn_at_once(name):
    graph = LARGE[name]
    seconds, layout = spent(lambda: best_layout(plan_graph(graph), 160, 50))
    assert seconds < 30 * (unit := yardstick())
    states = {node: NodeState("running") for node in graph.nodes}
    seconds, _ = spent(lambda: paint(layout, states, WINDOW))
    assert seconds < 3 * unit


def test_a_tree_of_a_thousand_nodes():
    plan = plan_graph(LARGE["random"])
    seconds, layout = spent(lambda: tree_layout(plan))
    assert seconds < 10 * yardstick()
    assert layout.height == len(plan.graph.nodes)


def test_twice_the_graph_takes_about_twice_as_long():
    small, large = shape(layered(60, 5)), shape(layered(240, 5))

    def best(graph):
        # A collection of what other tests have left can fall into any one of them.
        return min(spent(lambda: arrange(plan_graph(graph)))[0] for _ in range(3))

    assert best(large) < 12 * best(small)
