"""What expressions cost beside plain Python functions that do the same: a condition, and a mapping of five fields.

Both get the same document. The functions treat a missing name as null, as expressions do; an expression also keeps its
budget of steps and characters, and its result is checked.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

from flowrun.domain.expression import compile_expression, compile_template

_REPEATS = 5

SCOPE: dict[str, Any] = {
    "input": {
        "order": {"id": 4211, "net": 119.5, "test": False},
        "customer": {"name": "Ada", "country": "DE"},
        "lines": [{"sku": "a-1", "quantity": 2}, {"sku": "b-7", "quantity": 1}],
    }
}
CONDITION = "input.order.net > 100 and input.customer.country in ['DE', 'AT'] and not input.order.test"
MAPPING: Any = {
    "id": "{{ input.order.id }}",
    "gross": "{{ round(input.order.net * 1.19, 2) }}",
    "lines": "{{ len(input.lines) }}",
    "first": "{{ input.lines[0].sku }}",
    "title": "Order {{ input.order.id }} of {{ input.customer.name }}",
}


def condition(scope: dict[str, Any]) -> bool:
    """What `CONDITION` says."""
    given = scope.get("input") or {}
    order, customer = given.get("order") or {}, given.get("customer") or {}
    return order.get("net") > 100 and customer.get("country") in ("DE", "AT") and not order.get("test")


def mapping(scope: dict[str, Any]) -> dict[str, Any]:
    """What `MAPPING` makes."""
    given = scope.get("input") or {}
    order, customer, lines = given.get("order") or {}, given.get("customer") or {}, given.get("lines") or []
    return {
        "id": order.get("id"),
        "gross": round(order.get("net") * 1.19, 2),
        "lines": len(lines),
        "first": lines[0].get("sku"),
        "title": f"Order {order.get('id')} of {customer.get('name')}",
    }


def microseconds(call: Callable[[], object], times: int) -> float:
    """The median of some repetitions, for one call."""
    return statistics.median(timeit.repeat(call, number=times, repeat=_REPEATS)) / times * 1e6


def measure(times: int) -> dict[str, float]:
    """All figures of the expressions."""
    expression, template = compile_expression(CONDITION), compile_template(MAPPING)
    if expression.evaluate(SCOPE, now=0) != condition(SCOPE) or template.evaluate(SCOPE, now=0) != mapping(SCOPE):
        raise SystemExit("the expressions and the functions differ")
    return {
        "expression_condition_us": round(microseconds(lambda: expression.evaluate(SCOPE, now=0), times), 2),
        "python_condition_us": round(microseconds(lambda: condition(SCOPE), times), 2),
        "expression_mapping_us": round(microseconds(lambda: template.evaluate(SCOPE, now=0), times), 2),
        "python_mapping_us": round(microseconds(lambda: mapping(SCOPE), times), 2),
    }
