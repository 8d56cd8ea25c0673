"""Turns source into a checked tree: only what the language has, and never too deep to evaluate."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import NoReturn

from flowrun.domain.expression.errors import ExpressionSyntaxError
from flowrun.domain.expression.tokens import KEYWORD_MARK, Translation, translate
from flowrun.domain.expression.values import INT_MAX

MAX_TREE_DEPTH = 100
"""Levels of a tree; evaluating uses at most three Python frames for each."""

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}

_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Store, ast.List, ast.Tuple, ast.Dict, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Attribute, ast.Subscript, ast.Slice, ast.Call,
    ast.keyword, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.comprehension, ast.Add, ast.Sub, ast.Mult,
    ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Eq, ast.NotEq,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
)  # fmt: skip

_REFUSED: dict[type[ast.AST], str] = {
    ast.Set: "a set is not part of the language; write a list: [...]",
    ast.SetComp: "a set is not part of the language; write unique([...])",
    ast.Starred: "'*' cannot unpack here; add lists with +",
    ast.Slice: "a slice belongs in brackets after a value",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A checked tree, and the way from its columns back to the user's source."""

    source: str
    body: ast.expr
    translation: Translation

    def position(self, node: ast.AST) -> int | None:
        """Return the column of a node in the source; None for a node that has none."""
        column = getattr(node, "col_offset", None)
        return None if column is None else self.translation.position(column)

    def fail(self, node: ast.AST, message: str) -> NoReturn:
        """Raise an ExpressionSyntaxError that points at a node."""
        raise ExpressionSyntaxError(message, position=self.position(node))


def parse(source: str) -> Parsed:
    """Return the checked tree of an expression; raises ExpressionSyntaxError."""
    translation = translate(source)
    try:
        tree = ast.parse(translation.python, mode="eval")
    except SyntaxError as error:
        raise _syntax_error(error, translation) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        # A digit run past Python's limit, or nesting that the counts before parsing did not foresee.
        raise ExpressionSyntaxError("the expression is nested too deeply or too large") from None
    parsed = Parsed(source, tree.body, translation)
    _check(parsed)
    return parsed


def _syntax_error(error: SyntaxError, translation: Translation) -> ExpressionSyntaxError:
    # CPython counts this column in characters, from 1.
    column = max(0, (error.offset or 1) - 1)
    position = translation.position(len(translation.python[:column].encode()))
    message = (error.msg or "this is not valid").replace(KEYWORD_MARK, "")
    return ExpressionSyntaxError(message[0].lower() + message[1:], position=position)


def _check(parsed: Parsed) -> None:
    """Check every node, level by level, so that the check itself cannot recurse too deeply."""
    level: list[ast.AST] = [parsed.body]
    for _ in range(MAX_TREE_DEPTH):
        below: list[ast.AST] = []
        for node in level:
            _check_node(parsed, node)
            below.extend(ast.iter_child_nodes(node))
        if not below:
            return
        level = below
    raise ExpressionSyntaxError("the expression is nested too deeply", position=parsed.position(level[0]))


def _check_node(parsed: Parsed, node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__
        parsed.fail(node, _REFUSED.get(type(node), f"{what} is not part of the language"))
    if isinstance(node, ast.Constant):
        _check_constant(parsed, node)
    elif isinstance(node, ast.Attribute):
        node.attr = node.attr.removesuffix(KEYWORD_MARK)
    elif isinstance(node, ast.Dict):
        _check_dict(parsed, node)
    elif isinstance(node, ast.Compare):
        _check_identity(parsed, node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        parsed.fail(node.slice, "one index at a time")
    elif isinstance(node, ast.keyword) and node.arg is None:
        parsed.fail(node.value, "'**' cannot unpack here")
    elif isinstance(node, ast.comprehension):
        if node.is_async:
            parsed.fail(node.iter, "'async' is not part of the language")
        _check_target(parsed, node.target)


def _check_constant(parsed: Parsed, node: ast.Constant) -> None:
    value = node.value
    if isinstance(value, int) and value > INT_MAX:
        parsed.fail(node, "integer overflow: this number does not fit into 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        parsed.fail(node, "this number is too large")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            parsed.fail(node, "this text holds half a character (a lone surrogate)")
    elif value is not None and not isinstance(value, (bool, int, float)):
        parsed.fail(node, "this is not a value of the language")


def _check_dict(parsed: Parsed, node: ast.Dict) -> None:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            parsed.fail(value, "'**' cannot unpack here; write merge(a, b)")
        if isinstance(key, ast.Constant) and not isinstance(key.value, str):
            parsed.fail(key, "the key of an object must be text")


def _check_identity(parsed: Parsed, node: ast.Compare) -> None:
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, (ast.Is, ast.IsNot)) and not _is_singleton(right):
            parsed.fail(right, "'is' compares with null, true or false only; write ==")


def _is_singleton(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id in CONSTANTS
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _check_target(parsed: Parsed, target: ast.expr) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and node.id in CONSTANTS:
            parsed.fail(node, f"{node.id!r} cannot be a loop variable")
        if not isinstance(node, (ast.Name, ast.Tuple, ast.List, ast.Store)):
            parsed.fail(node, "a loop variable must be a name")
