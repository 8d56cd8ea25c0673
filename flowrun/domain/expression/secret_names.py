"""Finds the secrets that an expression uses, and sees to it that each ends up in the result as it is.

At the time of the decision a secret is a mark that stands for it; the worker puts the value in its place. So nothing
may look into it: comparing, cutting or hashing a mark would give a wrong result without a word.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from flowrun.domain.expression.parse import Parsed

_ROOT = "secrets"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_MISUSE = "a secret can only be put into a text: nothing can look into it, compare it or compute with it"


@dataclass(slots=True)
class SecretUse:
    """The secrets of one expression."""

    names: set[str] = field(default_factory=set)
    nested: bool = False
    """Whether one is put into a list or an object."""


def secret_use(parsed: Parsed) -> SecretUse:
    """Return what an expression does with secrets.

    Raises `ExpressionSyntaxError` when it looks into one. May be asked of expressions that use none.
    """
    use = SecretUse()
    _visit(parsed, parsed.body, use, survives=True)
    return use


def _visit(parsed: Parsed, node: ast.AST, use: SecretUse, *, survives: bool) -> bool:
    """Note the secrets below a node; gives whether there are any."""
    if isinstance(node, ast.Name) and node.id == _ROOT:
        parsed.fail(node, "name one of the secrets: secrets.NAME")
    if isinstance(node, (ast.Attribute, ast.Subscript)) and _is_root(node.value):
        name = _name_of(node)
        if name is None or not _NAME.fullmatch(name):
            parsed.fail(node, "a secret's name has letters, digits and _, and is written out: secrets.NAME")
        if not survives:
            parsed.fail(node, _MISUSE)
        use.names.add(name)
        return True
    kept = _kept(node) if survives else ()
    found = [_visit(parsed, child, use, survives=child in kept) for child in ast.iter_child_nodes(node)]
    if any(found) and isinstance(node, (ast.List, ast.Tuple, ast.Dict)):
        use.nested = True
    return any(found)


def _kept(node: ast.AST) -> tuple[ast.AST, ...]:
    """The parts of a node that are parts of its value, unchanged."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (node.left, node.right)
    if isinstance(node, ast.IfExp):
        return (node.body, node.orelse)
    if isinstance(node, (ast.List, ast.Tuple)):
        return tuple(node.elts)
    if isinstance(node, ast.Dict):
        return tuple(node.values)
    return ()


def _is_root(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == _ROOT


def _name_of(node: ast.Attribute | ast.Subscript) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    key = node.slice
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
