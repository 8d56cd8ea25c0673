"""Event triggers by type: right, and as quick with ten thousand as with ten."""

from __future__ import annotations

import random
import time

import pytest

from flowrun.triggers.events import EventIndex


def names(index, event_type, tenant="acme"):
    return sorted((match.workflow_id, match.node_id) for match in index.match(tenant, event_type))


@pytest.fixture
def index():
    index = EventIndex()
    for workflow, pattern in {"exact": "order.paid", "below": "order.*", "deep": "order.eu.*", "all": "*"}.items():
        index.replace("acme", workflow, [("t", {"event_type": pattern})])
    return index


@pytest.mark.parametrize(
    ("event_type", "workflows"),
    [
        ("order.paid", ["all", "below", "exact"]),
        ("order.eu.paid", ["all", "below", "deep"]),
        ("order.eu", ["all", "below"]),
        ("order", ["all"]),
        ("order.", ["all", "below"]),
        ("orders.paid", ["all"]),
        ("Order.paid", ["all"]),
    ],
)
def test_exact_types_and_beginnings(index, event_type, workflows):
    assert names(index, event_type) == [(workflow, "t") for workflow in workflows]
    assert index.match("other", event_type) == ()


def test_a_workflow_is_replaced_as_a_whole(index):
    index.replace(
        "acme", "below", [("a", {"event_type": "x"}), ("b", {"event_type": "x"}), ("c", {"event_type": "y.*"})]
    )
    assert names(index, "order.paid") == [("all", "t"), ("exact", "t")]
    assert names(index, "x") == [("all", "t"), ("below", "a"), ("below", "b")]
    assert names(index, "y.z") == [("all", "t"), ("below", "c")]


def test_nothing_is_left_of_what_was_removed(index):
    for workflow in ("exact", "below", "deep", "all"):
        index.replace("acme", workflow, [])
    assert index._tenants == {} == index._patterns


def test_it_agrees_with_a_scan():
    index, all_patterns = EventIndex(), {}
    rng = random.Random(5)  # noqa: S311 - no secret
    for step in range(600):
        workflow = f"w{rng.randrange(40)}"
        patterns = []
        for _ in range(rng.randrange(3)):
            parts = [rng.choice("abc") for _ in range(rng.randint(1, 3))]
            patterns.append(rng.choice([".".join(parts), ".".join([*parts, "*"]), "*"]))
        index.replace("acme", workflow, [(f"n{i}", {"event_type": p}) for i, p in enumerate(patterns)])
        all_patterns[workflow] = patterns
        wanted = ".".join(rng.choice("abc") for _ in range(rng.randint(1, 4)))
        expected = sorted(
            (w, f"n{i}")
            for w, ps in all_patterns.items()
            for i, p in enumerate(ps)
            if p in ("*", wanted) or (p.endswith(".*") and wanted.startswith(p[:-1]))
        )
        assert names(index, wanted) == expected, step


def test_ten_thousand_cost_what_ten_do():
    def seconds(count):
        index = EventIndex()
        for number in range(count):
            pattern = f"kind{number}.*" if number % 2 else f"kind{number}.done"
            index.replace("acme", f"w{number}", [("t", {"event_type": pattern})])
        best = 1.0
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(2_000):
                assert len(index.match("acme", "kind5.done")) == 1
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(10_000) < 3 * seconds(10)
