"""Marks: they stand for secrets in jobs, and nobody can forge one."""

from __future__ import annotations

import random

import pytest

from flowrun.domain.secret_marks import filled, marked_names, marks, new_token


def test_marks_are_filled_wherever_they_are():
    token = new_token(random.Random(1).random)  # noqa: S311 - no secret
    mark = marks(token, ["A", "B"])
    params = {"h": {"x": f"Bearer {mark['A']}"}, "l": [mark["B"], 1, None, f"{mark['A']}{mark['B']}"], "n": 2}
    assert marked_names(params, token) == {"A", "B"}
    assert filled(params, token, {"A": "1", "B": "2"}) == {"h": {"x": "Bearer 1"}, "l": ["2", 1, None, "12"], "n": 2}
    with pytest.raises(KeyError):
        filled(params, token, {"A": "1"})


def test_a_mark_of_another_job_stays_a_text():
    mine, other = (new_token(random.Random(seed).random) for seed in (1, 2))  # noqa: S311 - no secret
    params = {"body": marks(other, ["A"])["A"], "empty": "\ue000:A\ue001"}
    assert marked_names(params, mine) == set()
    assert filled(params, mine, {"A": "secret"}) == params


def test_a_value_that_looks_like_a_mark_is_not_filled_again():
    token = new_token(random.random)
    mark = marks(token, ["A", "B"])
    assert filled({"x": mark["A"]}, token, {"A": mark["B"], "B": "no"}) == {"x": mark["B"]}


def test_tokens_differ():
    assert len({new_token(random.random) for _ in range(100)}) == 100
    assert len(new_token(lambda: 0.0)) == 26 == len(new_token(lambda: 1 - 2**-53))
