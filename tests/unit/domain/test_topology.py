"""Graph questions, checked against slow and simple answers."""

from hypothesis import given
from hypothesis import strategies as st

from flowrun.domain.topology import Topology

GRAPHS = st.integers(1, 8).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=20)
    )
)


def reachable_by_hand(edges, roots):
    found = set(roots)
    while more := {t for s, t in edges if s in found} - found:
        found |= more
    return found


@given(GRAPHS, st.data())
def test_reachable(graph, data):
    size, edges = graph
    roots = data.draw(st.sets(st.integers(0, size - 1)))
    assert Topology(size, edges).reachable(roots) == reachable_by_hand(edges, roots)


@given(GRAPHS)
def test_ancestors(graph):
    size, edges = [graph[0], [(s, t) for s, t in graph[1] if s != t]]
    masks = Topology(size, edges).ancestors()
    for node in range(size):
        upstream = {a for a in range(size) if any(node in reachable_by_hand(edges, {t}) for s, t in edges if s == a)}
        assert {a for a in range(size) if masks[node] >> a & 1} == upstream


@given(GRAPHS)
def test_cycles(graph):
    size, edges = graph
    cycles = Topology(size, edges).cycles()
    assert len(set(cycles)) == len(cycles)
    for cycle in cycles:
        assert all((a, b) in edges for a, b in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    closing = {(cycle[-1], cycle[0]) for cycle in cycles}
    assert not Topology(size, [edge for edge in edges if edge not in closing]).cycles()


def test_large_graphs_are_no_matter_of_the_stack():
    size = 20_000
    chain = [(n, n + 1) for n in range(size - 1)]
    assert Topology(size, chain).cycles() == []
    (cycle,) = Topology(size, [*chain, (size - 1, 0)]).cycles()
    assert len(cycle) == size
