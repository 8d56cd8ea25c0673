"""A node type can be tried without a service: make the params as the engine does, and run it."""

from __future__ import annotations

import pytest
from flowrun_text.slugify import Slugify

from flowrun.domain.node_type import Completed, NodeContext

SLUGIFY = Slugify()


def slug(text, **params):
    return SLUGIFY.decide(NodeContext(SLUGIFY.check({"text": text, **params}), None, (), 0))


@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("Crème brûlée, 2 portions", {}, "creme-brulee-2-portions"),
        ("Crème brûlée, 2 portions", {"max_length": 14}, "creme-brulee-2"),
        ("Crème brûlée", {"separator": "_"}, "creme_brulee"),
    ],
)
def test_a_slug(text, params, expected):
    assert slug(text, **params) == Completed(expected)


def test_a_text_without_letters_fails():
    assert slug("?!").type == "empty_slug"
