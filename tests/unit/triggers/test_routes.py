"""Which webhooks a request matches."""

from __future__ import annotations

import time

import pytest

from flowrun.triggers.paths import route_name
from flowrun.triggers.routes import RouteIndex


def index(*paths, methods=("POST",), tenant="t"):
    routes = RouteIndex()
    for path in paths:
        routes.replace(tenant, path, [(f"id:{path}", "hook", {"path": path, "methods": list(methods)})])
    return routes


def matched(routes, path, method="POST", tenant="t"):
    return [match.workflow_id for match in routes.match(tenant, method, path)]


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("orders", "orders", {}),
        ("orders", "/orders/", {}),
        ("orders/{id}", "orders/7", {"id": "7"}),
        ("orders/{id}", "orders/a%2Fb%20c", {"id": "a/b c"}),
        ("{a}/x/{b}", "1/x/2", {"a": "1", "b": "2"}),
        ("orders/{id}", "orders/{id}", {"id": "{id}"}),
        ("a@b", "a%40b", {}),
    ],
)
def test_a_path_matches_its_pattern(pattern, path, params):
    (match,) = index(pattern).match("t", "POST", path)
    assert match.path_params == params


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("orders", "Orders"),
        ("orders", "orders/7"),
        ("orders/{id}", "orders"),
        ("orders/{id}", "orders/"),
        ("orders/{id}", "orders//7"),
        ("orders/{id}", "orders/%00"),
        ("a/b", "a%2Fb"),
        ("orders", ""),
    ],
)
def test_another_path_does_not(pattern, path):
    routes = index(pattern)
    assert matched(routes, path) == []
    assert routes.methods("t", path) == frozenset()


def test_a_literal_wins_over_a_variable():
    routes = index("orders/{id}", "orders/new", "{any}/new")
    assert matched(routes, "orders/new") == ["orders/new"]
    assert matched(routes, "orders/7") == ["orders/{id}"]
    assert matched(routes, "other/new") == ["{any}/new"]


def test_the_method_decides_among_patterns_that_fit():
    routes = index("orders/{id}")
    routes.replace("t", "w", [("i", "h", {"path": "orders/new", "methods": ["GET"]})])
    assert matched(routes, "orders/new") == ["orders/{id}"]
    assert matched(routes, "orders/new", "GET") == ["w"]
    assert routes.methods("t", "orders/new") == {"GET", "POST"}


def test_every_workflow_on_a_route_matches_with_its_own_names():
    routes = index("orders/{id}", "orders/{order}")
    assert [match.path_params for match in routes.match("t", "POST", "orders/7")] == [{"id": "7"}, {"order": "7"}]


def test_nothing_crosses_a_tenant():
    assert matched(index("orders", tenant="a"), "orders", tenant="b") == []


def test_replacing_leaves_nothing_behind():
    routes = index("a/{b}/c", "a/x")
    routes.replace("t", "a/{b}/c", [("i", "h", {"path": "d", "methods": ["POST"]})])
    assert matched(routes, "a/1/c") == []
    assert matched(routes, "d") == ["a/{b}/c"]
    routes.replace("t", "a/{b}/c", [])
    routes.replace("t", "a/x", [])
    routes.replace("t", "a/x", [])
    assert routes._roots == {}
    assert routes._paths == {}


def test_two_webhooks_of_one_workflow():
    routes = RouteIndex()
    routes.replace("t", "w", [("1", "a", {"path": "x", "methods": ["POST"]}), ("2", "b", {"path": "x"})])
    assert [match.node_id for match in routes.match("t", "POST", "x")] == ["a", "b"]
    routes.replace("t", "w", [("2", "b", {"path": "x"})])
    assert [match.node_id for match in routes.match("t", "POST", "x")] == ["b"]


def seconds(routes, path, times=2_000):
    best = 1.0
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(times):
            routes.match("t", "POST", path)
        best = min(best, time.perf_counter() - begun)
    return best


def test_ten_thousand_webhooks_cost_what_ten_do():
    few = index(*(f"hooks/{n}/{{id}}" for n in range(10)))
    many = index(*(f"hooks/{n}/{{id}}" for n in range(10_000)))
    assert matched(many, "hooks/9999/x") == ["hooks/9999/{id}"]
    assert seconds(many, "hooks/9999/x") < 3 * seconds(few, "hooks/9/x")


def test_route_names_leave_out_what_variables_are_called():
    assert route_name("/orders/{id}/x/") == route_name("orders/{order}/x")
    assert route_name("orders/{id}") != route_name("orders/id")
