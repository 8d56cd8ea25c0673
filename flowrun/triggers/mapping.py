"""What a trigger's `filter` and `map` make of what has come in."""

from __future__ import annotations

from flowrun.domain.expression import as_expression, compile_expression, compile_template
from flowrun.domain.json import JsonObject, JsonValue


def passes(config: JsonObject, trigger: JsonObject, now: int) -> bool:
    """Whether the filter lets it through; there need not be one. Raises `ExpressionError`."""
    source = config.get("filter")
    if not isinstance(source, str) or not source:
        return True
    return bool(compile_expression(as_expression(source)).evaluate({"trigger": trigger}, now=now))


def mapped(config: JsonObject, trigger: JsonObject, now: int) -> JsonValue:
    """The execution's input as the map says; None when there is none. Raises `ExpressionError`."""
    template = config.get("map")
    return compile_template(template).evaluate({"trigger": trigger}, now=now) if template else None
