"""How a function enters the fixed table: its parameters, read from its signature, and its documentation."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, TypeAlias, TypeVar

from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.values import JsonValue, kind_of

Run: TypeAlias = Callable[..., JsonValue]
F = TypeVar("F", bound=Run)

Items: TypeAlias = list[JsonValue]
"""A parameter that takes whatever can be looped over, as a list."""

Lazy: TypeAlias = Iterable[JsonValue]
"""The same, but a generator expression is not evaluated further than the function reads."""

ANYTHING: frozenset[type] = frozenset({type(None), bool, int, float, str, list, dict})

_KINDS: dict[str, frozenset[type]] = {
    "JsonValue": ANYTHING,
    "None": frozenset({type(None)}),
    "bool": frozenset({bool, int}),
    "int": frozenset({int, bool}),
    "float": frozenset({float, int, bool}),
    "str": frozenset({str}),
    "list[JsonValue]": frozenset({list}),
    "dict[str, JsonValue]": frozenset({dict}),
    "Items": frozenset({list}),
    "Lazy": frozenset({list, GeneratorType}),
}
_WORDS = {
    "None": "null", "bool": "true or false", "int": "a whole number", "float": "a number", "str": "text",
    "list[JsonValue]": "a list", "dict[str, JsonValue]": "an object", "Items": "a list", "Lazy": "a list",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function: what it takes, and what it is when nothing is given."""

    name: str
    kinds: frozenset[type]
    wanted: str
    iterable: bool
    lazy: bool
    by_name: bool
    required: bool
    default: JsonValue

    def admit(self, frame: Frame, value: JsonValue) -> JsonValue:
        """Return a value of another type as the parameter wants it; raises ExpressionError when it cannot be."""
        if self.iterable:
            return iterate(frame, value)
        raise ExpressionError(f"{self.name} must be {self.wanted}, not {kind_of(value)}")


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function or method of the language."""

    name: str
    group: str
    doc: str
    example: str
    run: Run
    parameters: tuple[Parameter, ...]
    rest: Parameter | None
    """What every further argument must be; None when there may be none."""
    lenient: bool = False
    """Whether a missing key in an argument is null even in strict mode."""

    @property
    def signature(self) -> str:
        """The parameters as documentation writes them, such as `(text, size, end="…")`."""
        parts = [p.name if p.required else f"{p.name}={_literal(p.default)}" for p in self.parameters]
        if self.rest is not None:
            parts.append(f"{self.rest.name}, …")
        return f"({', '.join(parts)})"


def describe(run: Run, *, name: str, group: str, example: str, lenient: bool = False, skip: int = 1) -> FunctionSpec:
    """Return the entry for a Python function whose first `skip` parameters are not the user's."""
    doc = (run.__doc__ or "").partition("\n")[0]
    parameters: list[Parameter] = []
    rest: Parameter | None = None
    for parameter in list(inspect.signature(run).parameters.values())[skip:]:
        described = _parameter(parameter)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            rest = described
        else:
            parameters.append(described)
    return FunctionSpec(name, group, doc, example, run, tuple(parameters), rest, lenient)


class Group:
    """Collects the functions of one chapter of the reference."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.functions: list[FunctionSpec] = []

    def function(self, name: str, example: str, *, lenient: bool = False) -> Callable[[F], F]:
        """Enter the decorated function; its docstring tells users what it gives, `expression → result` shows it."""

        def enter(run: F) -> F:
            spec = describe(run, name=name, group=self.title, example=example, lenient=lenient)
            self.functions.append(spec)
            return run

        return enter


def iterate(frame: Frame, value: JsonValue) -> list[JsonValue]:
    """Return what a loop over a value goes through: elements, keys or characters. Raises ExpressionError."""
    if type(value) is list:
        return value
    if type(value) is dict:
        frame.charge_items(len(value))
        return list(value)
    if type(value) is str:
        frame.charge(len(value))
        return list(value)
    message = f"cannot go through {kind_of(value)}; a list, an object or text is needed"
    if value is None:
        message += ": a value is missing; default(value, []) gives one"
    raise ExpressionError(message)


def _parameter(parameter: inspect.Parameter) -> Parameter:
    names = str(parameter.annotation).split(" | ")
    default: Any = parameter.default
    required = default is inspect.Parameter.empty
    return Parameter(
        name=parameter.name.rstrip("_"),
        kinds=frozenset[type]().union(*(_KINDS[name] for name in names)),
        wanted=" or ".join(_WORDS[name] for name in names if name in _WORDS),
        iterable="Items" in names or "Lazy" in names,
        lazy="Lazy" in names,
        by_name=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
        required=required,
        default=None if required else default,
    )


def _literal(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
