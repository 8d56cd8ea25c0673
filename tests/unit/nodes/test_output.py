"""The limits of what a node gives."""

from __future__ import annotations

import pytest

from flowrun.domain.node_type import Completed, Failed, Respond
from flowrun.nodes.output import MAX_OUTPUT, bounded
from flowrun.nodes.registry import builtin_types


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "output", [None, 1, "x", {"a": [1, 2.5, None]}, nested(64), [[1]] * 1000, "x" * (MAX_OUTPUT - 2)]
)
def test_json_within_the_limits_passes(output: object) -> None:
    outcome = Completed(output)
    assert bounded(outcome) is outcome


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("x" * (MAX_OUTPUT - 1), "output_too_large"),
        (nested(65), "invalid_output"),
        (nested(300), "invalid_output"),
        ({"a": 2**64}, "invalid_output"),
        ({"a": object()}, "invalid_output"),
        ({1: "a"}, "invalid_output"),
    ],
)
def test_anything_else_fails_the_node_for_good(output: object, kind: str) -> None:
    for outcome in (Completed(output), Respond(output)):
        failed = bounded(outcome)
        assert isinstance(failed, Failed)
        assert (failed.type, failed.retryable) == (kind, False)


def test_the_character_that_databases_refuse_is_left_out() -> None:
    assert bounded(Completed({"a": "b\x00c"})) == Completed({"a": "bc"})
    assert bounded(Completed({"\x00\x00a": ["\\\x00", "\\\\\x00b"]})) == Completed({"a": ["\\", "\\\\b"]})
    # What people write about it is not the character itself.
    for text in ("b\\\\c", "a \\u0000 b", "\\\\u0000", "x\\u0000nthe end", "ends in \\u0000", '{"note": "\\u0000"}'):
        for output in ({"a": text}, {"a": text, "b": "\x00"}, {text: 1}):
            found = bounded(Completed(output)).output
            assert found == {key: value if value != "\x00" else "" for key, value in output.items()}


@pytest.mark.parametrize(
    ("name", "params"), [("noop", {}), ("merge", {}), ("delay", {"for": 1}), ("filter", {"condition": True})]
)
def test_what_several_parents_give_together_is_bounded(run, name, params):
    half = "x" * 600_000
    assert not isinstance(run(name, params, {"a": half}), Failed)
    answer = run(name, params, {"a": half, "b": half}, sources=("a", "b"))
    assert (type(answer), answer.type) == (Failed, "output_too_large")


def test_what_a_disabled_node_hands_on_is_bounded():
    noop, large = builtin_types().get("noop"), {"a": "x" * 600_000, "b": "x" * 600_000}
    assert noop.pass_on(large, 1) == Completed(large)
    assert noop.pass_on(large, 2).type == "output_too_large"
