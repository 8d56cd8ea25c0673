"""Matches the arguments of a call with the parameters of a function, before anything is evaluated."""

from __future__ import annotations

import ast
from typing import TypeAlias

from flowrun.domain.expression.parse import Parsed
from flowrun.domain.expression.table import FunctionSpec, Parameter

Bound: TypeAlias = list[tuple[Parameter, ast.expr | None]]


def bind(parsed: Parsed, call: ast.Call, spec: FunctionSpec) -> Bound:
    """Return the parameters of a call in the order they are passed on, each with its argument or None.

    Raises ExpressionSyntaxError for an argument that is missing, unknown or one too many.
    """
    positional = [parameter for parameter in spec.parameters if not parameter.by_name]
    given = {parameter.name: argument for parameter, argument in zip(positional, call.args, strict=False)}
    further = call.args[len(positional) :]
    usage = f"{spec.name}{spec.signature}"
    if further and spec.rest is None:
        parsed.fail(further[0], f"too many arguments for {usage}")
    _bind_keywords(parsed, call, spec, given)
    missing = next((p.name for p in spec.parameters if p.required and p.name not in given), None)
    if missing is not None:
        parsed.fail(call, f"the argument {missing!r} is missing: {usage}")
    bound: Bound = [(parameter, given.get(parameter.name)) for parameter in positional]
    if spec.rest is not None:
        bound += [(spec.rest, argument) for argument in further]
    return bound + [(parameter, given.get(parameter.name)) for parameter in spec.parameters if parameter.by_name]


def _bind_keywords(parsed: Parsed, call: ast.Call, spec: FunctionSpec, given: dict[str, ast.expr]) -> None:
    known = {parameter.name for parameter in spec.parameters}
    for keyword in call.keywords:
        name = keyword.arg or ""
        if name not in known:
            parsed.fail(keyword.value, f"there is no argument {name!r}: {spec.name}{spec.signature}")
        if name in given:
            parsed.fail(keyword.value, f"the argument {name!r} is given twice")
        given[name] = keyword.value
