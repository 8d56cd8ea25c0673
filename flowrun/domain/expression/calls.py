"""Closures of calls: arguments are checked against the parameters, and an error learns where it happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError, ExpressionLimitError
from flowrun.domain.expression.table import FunctionSpec, Parameter
from flowrun.domain.expression.values import JsonValue, kind_of

Node: TypeAlias = Callable[[Frame], JsonValue]
Arguments: TypeAlias = list[tuple[Parameter, Node]]


def call_function(spec: FunctionSpec, arguments: Arguments, position: int | None) -> Node:
    """Return the closure of a function call."""
    if any(parameter.by_name for parameter, _ in arguments):
        return _call_by_name(spec, arguments, position)
    if len(arguments) == 1:
        return _call_one(spec, arguments[0], position)
    run, name = spec.run, spec.name

    def call(frame: Frame) -> JsonValue:
        try:
            values = []
            for parameter, argument in arguments:
                value = argument(frame)
                values.append(value if type(value) in parameter.kinds else parameter.admit(frame, value))
            return run(frame, *values)
        except ExpressionError as error:
            raise _placed(error, name, position) from None

    return call


def call_method(
    name: str, subject: Node, bound: dict[type, tuple[FunctionSpec, Arguments]], position: int | None
) -> Node:
    """Return the closure of a method call; what is called depends on the kind of value before the dot."""

    def call(frame: Frame) -> JsonValue:
        value = subject(frame)
        found = bound.get(type(value))
        if found is None:
            raise _placed(ExpressionError(_no_method(name, value)), name, position)
        spec, arguments = found
        try:
            values = []
            for parameter, argument in arguments:
                given = argument(frame)
                values.append(given if type(given) in parameter.kinds else parameter.admit(frame, given))
            return spec.run(frame, value, *values)
        except ExpressionError as error:
            raise _placed(error, name, position) from None

    return call


def _call_one(spec: FunctionSpec, bound: tuple[Parameter, Node], position: int | None) -> Node:
    run, name = spec.run, spec.name
    parameter, argument = bound
    kinds = parameter.kinds

    def call(frame: Frame) -> JsonValue:
        try:
            value = argument(frame)
            return run(frame, value if type(value) in kinds else parameter.admit(frame, value))
        except ExpressionError as error:
            raise _placed(error, name, position) from None

    return call


def _call_by_name(spec: FunctionSpec, arguments: Arguments, position: int | None) -> Node:
    run, name = spec.run, spec.name

    def call(frame: Frame) -> JsonValue:
        try:
            positional, named = [], {}
            for parameter, argument in arguments:
                value = argument(frame)
                value = value if type(value) in parameter.kinds else parameter.admit(frame, value)
                if parameter.by_name:
                    named[parameter.name] = value
                else:
                    positional.append(value)
            return run(frame, *positional, **named)
        except ExpressionError as error:
            raise _placed(error, name, position) from None

    return call


def _placed(error: ExpressionError, name: str, position: int | None) -> ExpressionError:
    """Return the error with the name and column of the innermost call or operator that raised it."""
    if isinstance(error, ExpressionLimitError):
        return error
    if error.position is None and position is not None:
        return type(error)(f"{name}(): {error.message}", source=error.source, position=position)
    return error


def _no_method(name: str, value: JsonValue) -> str:
    message = f"{kind_of(value)} has no method {name!r}"
    return message + ": the value before it is missing" if value is None else message
