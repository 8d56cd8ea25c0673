"""A JSON value whose strings may hold expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from flowrun.domain.expression.budget import BUDGET, METER, Frame
from flowrun.domain.expression.errors import ExpressionError, ExpressionSyntaxError
from flowrun.domain.expression.expression import Expression, compile_expression
from flowrun.domain.expression.scan import Segment, is_template, segments, whole
from flowrun.domain.expression.sizes import check_result, to_text
from flowrun.domain.expression.values import JsonValue

Fill: TypeAlias = Callable[[Frame, bool], JsonValue]


class Template:
    """A JSON value that can be filled in any number of times."""

    __slots__ = ("_fill", "_value", "constant", "dynamic_nodes", "names", "node_refs", "resume_refs", "secret_refs")

    def __init__(self, value: JsonValue) -> None:
        expressions: list[Expression] = []
        self._value = value
        self._fill = _compile(value, "", expressions)
        self.constant = self._fill is None
        """Whether it holds no expression at all."""
        self.names = frozenset[str]().union(*(expression.names for expression in expressions))
        """The free names of all its expressions."""
        self.node_refs = frozenset[str]().union(*(expression.node_refs for expression in expressions))
        """The ids X that occur as `nodes.X` or `nodes["X"]`."""
        self.resume_refs = frozenset[str]().union(*(expression.resume_refs for expression in expressions))
        """The ids X that occur as `execution.resume_urls.X`."""
        self.dynamic_nodes = any(expression.dynamic_nodes for expression in expressions)
        """Whether `nodes` occurs in another way, so that any node may be meant."""
        self.secret_refs = frozenset[str]().union(*(expression.secret_refs for expression in expressions))
        """The names X that occur as `secrets.X`."""

    def evaluate(self, scope: Mapping[str, JsonValue], *, now: int, strict: bool = False) -> JsonValue:
        """Return the value with its expressions evaluated, on one budget; the arguments are Expression.evaluate's.

        The result may share parts with the scope and the template: none must be changed. Raises
        ExpressionError, and ExpressionLimitError when the budget is used up or the result too large.
        """
        if self._fill is None:
            return self._value
        frame = Frame(scope, now, BUDGET)
        try:
            value = self._fill(frame, strict)
        finally:
            METER.units += BUDGET - frame.left
        check_result(value)
        return value


def compile_template(value: JsonValue) -> Template:
    """Return the template that a JSON value is; raises ExpressionSyntaxError, whose `path` tells where."""
    return Template(value)


def template_issues(value: JsonValue) -> list[tuple[str, ExpressionSyntaxError]]:
    """Return every syntax error in a template, each with the path of its string."""
    return list(_issues(value, ""))


def _issues(value: JsonValue, path: str) -> Iterator[tuple[str, ExpressionSyntaxError]]:
    if isinstance(value, str):
        try:
            _compile_text(value, path, [])
        except ExpressionSyntaxError as error:
            yield path, error
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from _issues(element, f"{path}[{place}]")
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _issues(element, _below(path, key))


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _compile(value: JsonValue, path: str, expressions: list[Expression]) -> Fill | None:
    """Return what fills a value in; None when it holds no expression."""
    if isinstance(value, str):
        return _compile_text(value, path, expressions)
    if isinstance(value, list):
        return _compile_list(value, path, expressions)
    if isinstance(value, dict):
        return _compile_dict(value, path, expressions)
    return None


def _compile_list(value: list[JsonValue], path: str, expressions: list[Expression]) -> Fill | None:
    fills = [_compile(element, f"{path}[{place}]", expressions) for place, element in enumerate(value)]
    if not any(fills):
        return None
    pairs = list(zip(value, fills, strict=True))
    cost = 1 + len(pairs)

    def fill(frame: Frame, strict: bool) -> JsonValue:
        frame.charge(cost)
        return [element if part is None else part(frame, strict) for element, part in pairs]

    return fill


def _compile_dict(value: dict[str, JsonValue], path: str, expressions: list[Expression]) -> Fill | None:
    fills = [(key, _compile(element, _below(path, key), expressions)) for key, element in value.items()]
    changing = [(key, part) for key, part in fills if part is not None]
    if not changing:
        return None
    cost = 4 + 4 * len(fills)

    def fill(frame: Frame, strict: bool) -> JsonValue:
        frame.charge(cost)
        # A copy keeps the order of the keys; only those with expressions are set anew.
        filled = value.copy()
        for key, part in changing:
            filled[key] = part(frame, strict)
        return filled

    return fill


def _compile_text(text: str, path: str, expressions: list[Expression]) -> Fill | None:
    if not is_template(text):
        return None
    try:
        single = whole(text)
        if single is not None:
            expression = _expression(single.text, single.position)
            expressions.append(expression)
            return lambda frame, strict: expression.run(frame, strict=strict)
        found = segments(text)
        parts = [
            _expression(segment.text, segment.position) if segment.is_expression else segment.text for segment in found
        ]
        _refuse_secrets_in_json(found, parts)
    except ExpressionSyntaxError as error:
        error.path = path
        raise
    expressions.extend(part for part in parts if isinstance(part, Expression))
    return _mixed(parts)


def _expression(source: str, offset: int) -> Expression:
    try:
        return compile_expression(source)
    except ExpressionSyntaxError as error:
        if error.position is not None:
            error.position += offset
        raise


def _refuse_secrets_in_json(found: list[Segment], parts: list[Expression | str]) -> None:
    """An object within text becomes JSON, in which a secret with a quotation mark would break out of its string."""
    for segment, part in zip(found, parts, strict=True):
        if isinstance(part, Expression) and part.nests_secrets:
            message = "a secret inside an object or a list cannot be part of a longer text; put in the secret itself"
            raise ExpressionSyntaxError(message, position=segment.position)


def _mixed(parts: list[Expression | str]) -> Fill:
    def fill(frame: Frame, strict: bool) -> JsonValue:
        written: list[str] = []
        for part in parts:
            if isinstance(part, str):
                text = part
            else:
                try:
                    text = to_text(frame, part.run(frame, strict=strict))
                except ExpressionError as error:
                    error.source = error.source or part.source
                    raise
            frame.charge_text(text)
            written.append(text)
        return "".join(written)

    return fill
