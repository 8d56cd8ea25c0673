"""Who is let in, who waits, and who has to go."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.coordinator.admission import Admission, Gate, LimitReachedError
from flowrun.domain.definition import Concurrency, NodeDefinition, WorkflowDefinition
from flowrun.domain.graph import Graph, compile_graph
from flowrun.nodes.registry import builtin_types
from flowrun.ports import TenantLimits

ACME = (("acme",),)


def gate(most: int | None, at_limit: str = "queue") -> Gate:
    made = Gate()
    made.tenants["acme"] = TenantLimits(running_executions=most, at_limit=at_limit)
    return made


def test_one_more_waits_and_comes_in_its_turn():
    one = gate(1)
    assert [one.ask(name, ACME).runs for name in "abc"] == [True, False, False]
    assert [one.leave("a"), one.leave("c"), one.leave("b")] == [["b"], [], []]


def test_a_limit_that_is_lifted_lets_all_in_and_counts_them_still():
    one = gate(1)
    for name in "abc":
        one.ask(name, ACME)
    one.tenants["acme"] = TenantLimits()
    assert one.changed("acme") == ["b", "c"]
    one.tenants["acme"] = TenantLimits(running_executions=3)
    assert not one.ask("d", ACME).runs
    assert one.leave("b") == ["d"]


def test_one_that_is_refused_leaves_no_trace():
    one = gate(1, "reject")
    one.ask("a", ACME)
    with pytest.raises(LimitReachedError):
        one.ask("b", ACME)
    assert one.leave("a") == []
    assert one.ask("b", ACME).runs


def test_one_that_cannot_be_refused_waits():
    one = gate(1, "reject")
    one.ask("a", ACME)
    assert not one.ask("b", ACME, refusable=False).runs
    assert one.leave("a") == ["b"]


def test_where_one_is_leaving_another_waits_for_its_place():
    one = gate(1, "reject")
    one.ask("a", ACME)
    one.leaving("a")
    assert one.ask("b", ACME) == Admission(runs=False)
    with pytest.raises(LimitReachedError):
        one.ask("c", ACME)
    assert one.leave("a") == ["b"]


def test_the_oldest_that_is_not_leaving_has_to_go():
    one = gate(2, "cancel_oldest")
    cancelled = [one.ask(name, ACME).cancel for name in "abcde"]
    assert cancelled == [(), (), ("a",), ("b",), ("c",)]
    assert [one.leave("c"), one.leave("a"), one.leave("b")] == [[], ["d"], ["e"]]


def test_who_was_to_go_for_one_that_came_to_nothing_has_to_go_for_the_next():
    one = gate(1, "cancel_oldest")
    one.ask("a", ACME)
    assert one.ask("b", ACME).cancel == ("a",)
    one.stays("a")
    one.stays("b")
    assert one.leave("b") == []
    assert not one.leaves("a")
    assert one.ask("c", ACME) == Admission(runs=False, cancel=("a",))
    assert one.leaves("a")
    assert one.leave("a") == ["c"]


def test_after_a_restart_those_that_should_have_gone_go():
    one = gate(1, "cancel_oldest")
    for name, waits in (("a", False), ("b", True), ("c", True)):
        one.count(name, ACME, waits=waits)
    assert one.settle() == ([], ["a", "b"])
    one.leave("b")
    assert one.leave("a") == ["c"]


def test_those_who_leave_while_others_are_counted_are_told():
    one = gate(1)
    with one.noting() as left:
        one.leave("a")
    one.leave("b")
    assert left == {"a"}


def test_called_executions_need_no_place_where_one_that_waits_for_them_has_one():
    one = gate(1)
    assert one.ask("parent", ACME).runs
    assert one.ask("child", ACME, "parent").runs
    assert one.ask("grandchild", ACME, "child").runs
    assert not one.ask("stranger", ACME, "somebody").runs
    assert [one.leave("grandchild"), one.leave("child"), one.leave("parent")] == [[], [], ["stranger"]]


def test_those_who_would_wait_for_one_another_need_no_place():
    one = gates(1)
    assert [one.ask(name, _group(name[0])).runs for name in ("a1", "b1", "c1")] == [True, True, True]
    assert not one.ask("b2", _group("b"), "a1").runs
    assert not one.ask("c2", _group("c"), "b1").runs
    assert one.ask("a2", _group("a"), "c1").runs
    assert not one.ask("a3", _group("a"), "a2's neighbour").runs
    assert [one.leave(name) for name in ("a2", "c1", "c2", "b1", "b2", "a1")] == [[], ["c2"], [], ["b2"], [], ["a3"]]


@given(seed=st.integers(0, 1 << 32), upwards=st.booleans())
def test_whatever_calls_whatever_all_of_it_ends(seed: int, upwards: bool) -> None:
    """Executions that run call others, and end when all that they have called has ended."""
    choose = random.Random(seed)  # noqa: S311 - no secret
    kinds, most = "abcd"[: choose.randint(1, 4)], choose.randint(1, 3)
    world = Calling(gates(most))
    for _ in range(choose.randint(1, 40)):
        callers = [one for one in world.running if not upwards or one[0] < kinds[-1]]
        caller = choose.choice(callers) if callers and choose.random() < 0.5 else None
        world.start(
            choose.choice([kind for kind in kinds if caller is None or not upwards or kind > caller[0]]), caller
        )
        if world.free and choose.random() < 0.5:
            world.end(choose.choice(world.free))
        if upwards:  # No circle can close, so the limits hold strictly.
            assert all(sum(one[0] == kind for one in world.running) <= most for kind in kinds)
    while world.live:
        assert world.free, "all that is there waits for one another"
        world.end(choose.choice(world.free))


class Calling:
    """Executions of a few workflows with limits, and who of them waits for whom."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._count = 0
        self.live: dict[str, str | None] = {}
        """Each with who called it."""
        self.running: list[str] = []

    @property
    def free(self) -> list[str]:
        return [one for one in self.running if one not in self.live.values()]

    def start(self, kind: str, caller: str | None) -> None:
        self._count += 1
        name = f"{kind}{self._count}"
        if self._gate.ask(name, _group(kind), caller).runs:
            self.running.append(name)
        self.live[name] = caller

    def end(self, name: str) -> None:
        del self.live[name]
        self.running.remove(name)
        self.running += self._gate.leave(name)


def _group(kind: str) -> tuple[tuple[str, ...], ...]:
    return (("acme", kind, ""),)


def gates(most: int) -> Gate:
    """One for workflows `a` to `d`, each with this limit."""
    made = Gate()
    for kind in "abcd":
        made.workflow("acme", kind, limited(kind, most))
    return made


def limited(workflow_id: str, most: int) -> Graph:
    nodes = (NodeDefinition("t", "manual"),)
    definition = WorkflowDefinition(workflow_id, workflow_id, nodes, (), concurrency=Concurrency(most))
    return compile_graph(definition, 1, builtin_types())


def test_what_is_counted_twice_has_one_place():
    one = gate(2)
    for _ in range(2):
        one.count("a", ACME, waits=False)
    assert one.ask("b", ACME).runs


def test_nothing_is_remembered_of_those_who_are_gone():
    one = gate(1, "cancel_oldest")
    for name in "abcdef":
        one.ask(name, ACME, "caller of " + name)
    for name in "abcdef":
        one.leave(name)
    kept = {name: value for name, value in vars(one).items() if name != "tenants" and value}
    assert kept == {}
