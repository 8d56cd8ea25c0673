"""The input of a workflow that is started by hand, checked against what its trigger declares."""

from __future__ import annotations

from collections.abc import Callable

from flowrun.domain.graph import Node
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue


def checked_input(node: Node, given: JsonValue) -> JsonValue:
    """The input with the defaults of the trigger's declared inputs; raises `InvalidInputError` with every issue."""
    declared = node.deferred.get("inputs") if node.type.name == "manual" else None
    if not isinstance(declared, dict) or not declared:
        return given
    values = {} if given is None else given
    if not isinstance(values, dict):
        names = ", ".join(declared)
        raise InvalidInputError("The input is not valid", [Issue("input", f"must be an object with {names}")])
    filled, issues = dict(values), []
    for name, says in declared.items():
        rule = says if isinstance(says, dict) else {}
        if filled.get(name) is None and rule.get("default") is not None:
            filled[name] = rule["default"]
        issues += _input_issues(name, rule, filled)
    if issues:
        raise InvalidInputError("The input is not valid", issues)
    return filled


def _input_issues(name: str, rule: JsonObject, values: JsonObject) -> list[Issue]:
    value = values.get(name)
    if value is None:
        return [Issue(f"input.{name}", "is required")] if rule.get("required") is True else []
    kind = str(rule.get("type", "any"))
    fits, noun = _KINDS.get(kind, (lambda _value: True, ""))
    return [] if fits(value) else [Issue(f"input.{name}", f"must be {noun}")]


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_KINDS: dict[str, tuple[Callable[[JsonValue], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a text"),
    "number": (_is_number, "a number"),
    "integer": (lambda value: _is_number(value) and float(value).is_integer(), "a whole number"),  # type: ignore[arg-type]
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "array": (lambda value: isinstance(value, list), "a list"),
}
