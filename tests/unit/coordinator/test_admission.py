"""Who is let in, who waits, and who has to go."""

from __future__ import annotations

import pytest

from flowrun.coordinator.admission import Admission, Gate, LimitReachedError
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
