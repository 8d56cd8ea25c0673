"""Finds the free names of an expression, and the nodes it refers to."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from flowrun.domain.expression.parse import CONSTANTS


@dataclass(slots=True)
class References:
    """What an expression refers to outside itself."""

    names: set[str] = field(default_factory=set)
    node_refs: set[str] = field(default_factory=set)
    dynamic_nodes: bool = False
    resume_refs: set[str] = field(default_factory=set)
    """The ids X of `execution.resume_urls.X`."""


def references(tree: ast.expr) -> References:
    """Return the free names of a tree, the ids it uses as `nodes.X`, and whether it uses `nodes` otherwise."""
    found = References()
    _visit(tree, frozenset(CONSTANTS), found)
    return found


def _visit(node: ast.AST, bound: frozenset[str], found: References) -> None:
    if isinstance(node, ast.Name):
        if node.id not in bound:
            found.names.add(node.id)
            found.dynamic_nodes = found.dynamic_nodes or node.id == "nodes"
    elif isinstance(node, (ast.Attribute, ast.Subscript)) and _is_nodes(node.value, bound):
        _visit_node_path(node, bound, found)
    elif isinstance(node, ast.Attribute) and _is_resume_urls(node.value, bound):
        found.names.add("execution")
        found.resume_refs.add(node.attr)
    elif isinstance(node, ast.Call):
        _visit_call(node, bound, found)
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)):
        _visit_comprehension(node, bound, found)
    else:
        for child in ast.iter_child_nodes(node):
            _visit(child, bound, found)


def _is_nodes(node: ast.expr, bound: frozenset[str]) -> bool:
    return isinstance(node, ast.Name) and node.id == "nodes" and "nodes" not in bound


def _is_resume_urls(node: ast.expr, bound: frozenset[str]) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr != "resume_urls":
        return False
    return isinstance(node.value, ast.Name) and node.value.id == "execution" and "execution" not in bound


def _visit_node_path(node: ast.Attribute | ast.Subscript, bound: frozenset[str], found: References) -> None:
    found.names.add("nodes")
    if isinstance(node, ast.Attribute):
        found.node_refs.add(node.attr)
    elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        found.node_refs.add(node.slice.value)
    else:
        found.dynamic_nodes = True
        _visit(node.slice, bound, found)


def _visit_call(node: ast.Call, bound: frozenset[str], found: References) -> None:
    # The name of a function is no reference, and neither is the name of a method.
    if isinstance(node.func, ast.Attribute):
        _visit(node.func.value, bound, found)
    for argument in node.args:
        _visit(argument, bound, found)
    for keyword in node.keywords:
        _visit(keyword.value, bound, found)


def _visit_comprehension(
    node: ast.ListComp | ast.GeneratorExp | ast.DictComp, bound: frozenset[str], found: References
) -> None:
    for generator in node.generators:
        _visit(generator.iter, bound, found)
        bound |= {name.id for name in ast.walk(generator.target) if isinstance(name, ast.Name)}
        for condition in generator.ifs:
            _visit(condition, bound, found)
    for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
        _visit(part, bound, found)
