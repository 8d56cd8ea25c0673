"""The closures of single nodes: constants, names, paths, operators, comparisons, lists and objects."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeAlias

from flowrun.domain.expression import compare as comparing
from flowrun.domain.expression import operators
from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.loops import text_key
from flowrun.domain.expression.paths import cut, follow, step, step_strictly
from flowrun.domain.expression.values import JsonValue

Node: TypeAlias = Callable[[Frame], JsonValue]
Scalar: TypeAlias = bool | float | str | None
Binary: TypeAlias = Callable[[Frame, JsonValue, JsonValue], JsonValue]
Test: TypeAlias = Callable[[Frame, JsonValue, JsonValue], bool]

_BINARY: dict[type[ast.operator], Binary] = {
    ast.Add: operators.add,
    ast.Sub: operators.subtract,
    ast.Mult: operators.multiply,
    ast.Div: operators.divide,
    ast.FloorDiv: operators.floor_divide,
    ast.Mod: operators.modulo,
    ast.Pow: operators.power,
}


def _is(_frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    return left is right


def _is_not(_frame: Frame, left: JsonValue, right: JsonValue) -> bool:
    return left is not right


_TESTS: dict[type[ast.cmpop], Test] = {
    ast.Eq: comparing.equal,
    ast.NotEq: comparing.unequal,
    ast.Lt: comparing.less,
    ast.LtE: comparing.less_or_equal,
    ast.Gt: comparing.greater,
    ast.GtE: comparing.greater_or_equal,
    ast.In: comparing.contains,
    ast.NotIn: comparing.lacks,
    ast.Is: _is,
    ast.IsNot: _is_not,
}


def constant(value: JsonValue) -> Node:
    """Return what gives a constant."""
    return lambda _frame: value


def local(slot: int) -> Node:
    """Return what gives a loop variable."""
    return lambda frame: frame.locals[slot]


def assignment(slot: int) -> Callable[[Frame, JsonValue], None]:
    """Return what sets a loop variable."""

    def assign(frame: Frame, value: JsonValue) -> None:
        frame.locals[slot] = value

    return assign


def root(name: str) -> Node:
    """Return what gives a name of the scope; null when it is not there."""
    return lambda frame: frame.scope.get(name)


def strict_root(name: str, position: int | None) -> Node:
    """Return what gives a name of the scope, and raises ExpressionError when it is not there."""

    def get(frame: Frame) -> JsonValue:
        if name in frame.scope:
            return frame.scope[name]
        raise ExpressionError(f"{name} is not there", position=position)

    return get


def root_path(name: str, keys: list[str]) -> Node:
    """Return what follows keys from a name of the scope."""
    if len(keys) == 1:
        (key,) = keys

        def one(frame: Frame) -> JsonValue:
            value = frame.scope.get(name)
            return value.get(key) if type(value) is dict else None

        return one
    if len(keys) == 2:
        key, last = keys

        def two(frame: Frame) -> JsonValue:
            value = frame.scope.get(name)
            value = value.get(key) if type(value) is dict else None
            return value.get(last) if type(value) is dict else None

        return two
    return path(root(name), keys)


def path(base: Node, keys: list[str]) -> Node:
    """Return what follows keys from a value; null as soon as one is missing."""
    if len(keys) == 1:
        (key,) = keys

        def one(frame: Frame) -> JsonValue:
            value = base(frame)
            return value.get(key) if type(value) is dict else None

        return one
    fixed = tuple(keys)
    return lambda frame: follow(base(frame), fixed)


def element(value: Node, key: Node, position: int | None) -> Node:
    """Return what looks a key or index up."""

    def get(frame: Frame) -> JsonValue:
        try:
            return step(value(frame), key(frame))
        except ExpressionError as error:
            raise _placed(error, position) from None

    return get


def strict_element(value: Node, key: Node, written: str, position: int | None) -> Node:
    """Return what looks a key or index up, and raises ExpressionError when there is nothing."""

    def get(frame: Frame) -> JsonValue:
        try:
            return step_strictly(value(frame), key(frame), written)
        except ExpressionError as error:
            raise _placed(error, position) from None

    return get


def part(value: Node, start: Node, stop: Node, pace: Node, *, position: int | None) -> Node:
    """Return what takes a slice."""

    def get(frame: Frame) -> JsonValue:
        try:
            return cut(frame, value(frame), start(frame), stop(frame), pace(frame))
        except ExpressionError as error:
            raise _placed(error, position) from None

    return get


def binary(operator: type[ast.operator], left: Node, right: Node, position: int | None) -> Node:
    """Return what computes with two values."""
    operate = _BINARY[operator]

    def compute(frame: Frame) -> JsonValue:
        try:
            return operate(frame, left(frame), right(frame))
        except ExpressionError as error:
            raise _placed(error, position) from None

    return compute


def unary(operator: type[ast.unaryop], operand: Node, position: int | None) -> Node:
    """Return what negates a value."""
    if operator is ast.Not:
        return lambda frame: not operand(frame)
    operate = operators.negate if operator is ast.USub else operators.affirm

    def compute(frame: Frame) -> JsonValue:
        try:
            return operate(frame, operand(frame))
        except ExpressionError as error:
            raise _placed(error, position) from None

    return compute


def compare(operator: type[ast.cmpop], left: Node, right: Node, position: int | None) -> Node:
    """Return what compares two values."""
    test = _TESTS[operator]

    def decide(frame: Frame) -> JsonValue:
        try:
            return test(frame, left(frame), right(frame))
        except ExpressionError as error:
            raise _placed(error, position) from None

    return decide


def compare_constant(operator: type[ast.cmpop], left: Node, right: Scalar, position: int | None) -> Node:
    """Return what compares a value with a constant: most conditions are of this kind."""
    # A constant is no longer than the source, so that Python's own equality costs next to nothing.
    if operator is ast.Eq:
        return lambda frame: left(frame) == right
    if operator is ast.NotEq:
        return lambda frame: left(frame) != right
    general = compare(operator, left, constant(right), position)
    if operator is ast.Gt and isinstance(right, (int, float)):

        def above(frame: Frame) -> JsonValue:
            value = left(frame)
            if type(value) is int or type(value) is float:
                return value > right
            return general(frame)

        return above
    return general


def chain(kinds: list[type[ast.cmpop]], parts: list[Node], position: int | None) -> Node:
    """Return what compares several values in a row, and stops at the first that fails."""
    first = parts[0]
    rest = [(_TESTS[kind], node) for kind, node in zip(kinds, parts[1:], strict=True)]

    def decide(frame: Frame) -> JsonValue:
        try:
            left = first(frame)
            for test, node in rest:
                right = node(frame)
                if not test(frame, left, right):
                    return False
                left = right
        except ExpressionError as error:
            raise _placed(error, position) from None
        return True

    return decide


def both(parts: list[Node]) -> Node:
    """Return what gives the first value that counts as false, or the last."""
    if len(parts) == 2:
        left, right = parts
        return lambda frame: left(frame) and right(frame)
    *heads, tail = parts

    def decide(frame: Frame) -> JsonValue:
        for head in heads:
            value = head(frame)
            if not value:
                return value
        return tail(frame)

    return decide


def either(parts: list[Node]) -> Node:
    """Return what gives the first value that counts as true, or the last."""
    if len(parts) == 2:
        left, right = parts
        return lambda frame: left(frame) or right(frame)
    *heads, tail = parts

    def decide(frame: Frame) -> JsonValue:
        for head in heads:
            value = head(frame)
            if value:
                return value
        return tail(frame)

    return decide


def choice(test: Node, yes: Node, no: Node) -> Node:
    """Return what gives one of two values."""
    return lambda frame: yes(frame) if test(frame) else no(frame)


def sequence(elements: list[Node]) -> Node:
    """Return what makes a list."""
    return lambda frame: [element(frame) for element in elements]


def mapping(pairs: list[tuple[Node, Node]]) -> Node:
    """Return what makes an object."""
    return lambda frame: {text_key(key(frame)): value(frame) for key, value in pairs}


def pair(key: Node, value: Node) -> Callable[[Frame], tuple[JsonValue, JsonValue]]:
    """Return what gives a key and its value."""
    return lambda frame: (key(frame), value(frame))


def _placed(error: ExpressionError, position: int | None) -> ExpressionError:
    if error.position is None:
        error.position = position
    return error
