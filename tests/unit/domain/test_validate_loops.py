"""What is asked of loops at the door."""

from __future__ import annotations

from typing import Any

from flowrun.domain.validate import validate
from flowrun.formats import read_workflow
from flowrun.nodes.registry import builtin_types

LOOP_TYPES = builtin_types()


def loop_issues(edges: list[Any], **params: str) -> list[str]:
    """The issues of a workflow with the loop `f`, its body `a` and `b`, and `z` behind it."""
    nodes: list[Any] = [{"id": "t", "type": "manual"}, {"id": "f", "type": "for_each", "params": {"items": "input"}}]
    nodes += [{"id": name, "type": "transform", "params": {"value": params.get(name, "1")}} for name in "abz"]
    found = read_workflow({"id": "w", "name": "w", "nodes": nodes, "edges": edges})
    assert found.definition is not None
    assert not found.issues
    return [str(issue) for issue in validate(found.definition, LOOP_TYPES)]


BODY: list[Any] = ["t -> f", "f -> z", {"source": "f", "target": "a", "source_handle": "each"}, "a -> b"]


def test_a_loop_with_its_body_is_valid_also_with_an_edge_drawn_back() -> None:
    assert loop_issues(BODY, b="{{ [item, index, nodes.a.output] }}") == []
    assert loop_issues([*BODY, "b -> f"]) == []


def test_nothing_leads_into_a_body_or_out_of_it_but_the_loops_ports() -> None:
    into = loop_issues([*BODY, "t -> b"])
    assert into == ["edges[4]: leads into the body of the loop 'f' from outside: only its port 'each' may"]
    out = loop_issues([*BODY, "b -> z"])
    assert out == ["edges[1]: leads from the port 'main' of the loop 'f' into its own body"]


def test_a_loop_without_a_body_is_an_issue() -> None:
    found = loop_issues(["t -> f", "f -> a", "a -> b", "b -> z"])
    assert found == ["nodes[1]: 'f' has nothing to repeat: let an edge leave its port 'each'"]


def test_item_is_known_in_the_body_alone_and_the_body_is_not_seen_from_outside() -> None:
    assert "'item' is known only in the body" in loop_issues(BODY, z="{{ item }}")[0]
    assert "not upstream" in loop_issues(BODY, z="{{ nodes.a.output }}")[0]


def test_a_cycle_outside_of_a_loop_stays_an_issue() -> None:
    assert any("is a cycle" in issue for issue in loop_issues([*BODY, "b -> a"]))
