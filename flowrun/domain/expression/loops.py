"""Comprehensions: every round pays for itself before it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from flowrun.domain.expression.budget import Frame, refuse
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.table import iterate
from flowrun.domain.expression.values import JsonValue, kind_of

Node: TypeAlias = Callable[[Frame], JsonValue]
Rounds: TypeAlias = Callable[[Frame], Iterator[None]]


@dataclass(slots=True)
class Loop:
    """One `for … in … if …` of a comprehension; `cost` is what a round of it takes from the budget."""

    iterable: Callable[[Frame], JsonValue]
    assign: Callable[[Frame, JsonValue], None]
    conditions: list[Callable[[Frame], JsonValue]]
    cost: int = 1


def list_loop(loops: list[Loop], body: Callable[[Frame], JsonValue]) -> Callable[[Frame], JsonValue]:
    """Return the closure of a list comprehension."""
    rounds = _rounds(loops)

    def run(frame: Frame) -> JsonValue:
        return [body(frame) for _ in rounds(frame)]

    return run


def generator_loop(loops: list[Loop], body: Callable[[Frame], JsonValue]) -> Callable[[Frame], Any]:
    """Return the closure of a generator expression whose elements are evaluated as they are asked for."""
    rounds = _rounds(loops)

    def run(frame: Frame) -> Iterator[JsonValue]:
        return (body(frame) for _ in rounds(frame))

    return run


def dict_loop(loops: list[Loop], body: Callable[[Frame], tuple[JsonValue, JsonValue]]) -> Callable[[Frame], JsonValue]:
    """Return the closure of an object comprehension, whose body gives a key and its value."""
    rounds = _rounds(loops)

    def run(frame: Frame) -> JsonValue:
        made: dict[str, JsonValue] = {}
        for _ in rounds(frame):
            key, value = body(frame)
            made[text_key(key)] = value
        return made

    return run


def text_key(key: JsonValue) -> str:
    """Return the key of an object; raises ExpressionError when it is not text."""
    if isinstance(key, str):
        return key
    raise ExpressionError(f"the key of an object must be text, not {kind_of(key)}; text(value) makes text of it")


def unpacking(targets: list[Callable[[Frame, JsonValue], None]]) -> Callable[[Frame, JsonValue], None]:
    """Return what assigns the elements of a value to several loop variables."""

    def assign(frame: Frame, value: JsonValue) -> None:
        elements = iterate(frame, value)
        if len(elements) != len(targets):
            raise ExpressionError(f"{len(targets)} loop variables cannot take {len(elements)} values")
        for target, element in zip(targets, elements, strict=True):
            target(frame, element)

    return assign


def _rounds(loops: list[Loop]) -> Rounds:
    """Return what goes through the loops, from the outside in, and yields once for every round of the last."""
    rounds = _through(loops[-1], None)
    for loop in reversed(loops[:-1]):
        rounds = _through(loop, rounds)
    return rounds


def _through(loop: Loop, inner: Rounds | None) -> Rounds:
    iterable, assign, passes = loop.iterable, loop.assign, _all_of(loop.conditions)

    def run(frame: Frame) -> Iterator[None]:
        cost = loop.cost
        for element in iterate(frame, iterable(frame)):
            frame.left -= cost
            if frame.left < 0:
                refuse()
            assign(frame, element)
            if passes is None or passes(frame):
                if inner is None:
                    yield
                else:
                    yield from inner(frame)

    return run


def _all_of(conditions: list[Node]) -> Node | None:
    """Return what tells whether all conditions hold; None when there is none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return lambda frame: all(condition(frame) for condition in conditions)
