"""Expectations name what they care about: other keys of an object may be anything."""

import pytest

from flowrun.rehearsal.agenda import Agenda
from flowrun.rehearsal.matching import mismatches


@pytest.mark.parametrize(
    ("expected", "actual", "paths"),
    [
        (1, 1, []),
        (1, 1.0, []),
        (1, True, ["x"]),
        (None, None, []),
        (None, 0, ["x"]),
        ("a", "b", ["x"]),
        ({}, {"a": 1}, []),
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"a": 2}, ["x.a"]),
        ({"a": None}, {}, []),
        ({"a": 1}, {"b": 1}, ["x.a"]),
        ({"odd key": 1}, {"odd key": 2}, ['x["odd key"]']),
        ({"a": 1}, None, ["x"]),
        ([1], [1, 2], ["x"]),
        ([1, 2], [2, 1], ["x[0]", "x[1]"]),
        ([{"a": 1}], [{"a": 1, "b": 2}], []),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["x.a[0].b"]),
        ({"a": 1, "b": 2}, {"a": 0, "b": 0}, ["x.a", "x.b"]),
    ],
)
def test_what_differs_is_told_with_its_place(expected, actual, paths):
    assert [one.path for one in mismatches(expected, actual, "x")] == paths


def test_the_keys_that_are_there_are_named():
    (found,) = mismatches({"total": 1}, {"totl": 1, "tax": 2}, "output")
    assert found.note == "there is no such key; there are totl, tax"


def test_an_agenda_gives_the_earliest_first_and_forgets_what_is_struck_or_replaced():
    agenda = Agenda[str]()
    for key, due, entry in [("a", 5, "a"), ("b", 3, "b"), ("c", 3, "c"), ("d", 1, "d"), ("a", 2, "a again")]:
        agenda.note(key, due, entry)
    agenda.strike("d")
    agenda.strike("nobody")
    assert [agenda.next() for _ in range(4)] == [(2, "a again"), (3, "b"), (3, "c"), None]
