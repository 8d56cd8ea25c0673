"""Makes closures of a checked tree: one for each node, or fewer where most expressions spend time."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

from flowrun.domain.expression import closures
from flowrun.domain.expression.binding import Bound, bind
from flowrun.domain.expression.budget import Frame
from flowrun.domain.expression.calls import call_function, call_method
from flowrun.domain.expression.errors import ExpressionSyntaxError
from flowrun.domain.expression.functions import FUNCTIONS
from flowrun.domain.expression.loops import Loop, dict_loop, generator_loop, list_loop, unpacking
from flowrun.domain.expression.methods import METHOD_NAMES, METHODS
from flowrun.domain.expression.parse import CONSTANTS, Parsed
from flowrun.domain.expression.suggest import nearest
from flowrun.domain.expression.table import FunctionSpec, Parameter
from flowrun.domain.expression.values import JsonValue

Node: TypeAlias = Callable[[Frame], JsonValue]
Body = TypeVar("Body")


class Compiler:
    """Compiles one expression; `cost` is what evaluating it takes from the budget, loops and calls apart."""

    def __init__(self, parsed: Parsed, *, strict: bool) -> None:
        self._parsed = parsed
        self._strict = strict
        self._bound: dict[str, int] = {}
        self.cost = 1
        self.slots = 0

    def compile(self, node: ast.expr) -> Node:
        """Return the closure of a node; raises ExpressionSyntaxError."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            self._parsed.fail(node, f"{type(node).__name__} cannot stand here")
        self.cost += 1
        return handler(self, node)

    def constant(self, node: ast.Constant) -> Node:
        """Compile a literal."""
        return closures.constant(cast("JsonValue", node.value))

    def name(self, node: ast.Name) -> Node:
        """Compile a constant's name, a loop variable or a name of the scope."""
        if node.id in CONSTANTS:
            return closures.constant(CONSTANTS[node.id])
        if node.id in self._bound:
            return closures.local(self._bound[node.id])
        if self._strict:
            return closures.strict_root(node.id, self._parsed.position(node))
        return closures.root(node.id)

    def attribute(self, node: ast.Attribute | ast.Subscript) -> Node:
        """Compile a path such as `a.b["c"]`, in one piece unless every step must be checked."""
        if self._strict:
            return self._strict_step(node)
        keys: list[str] = []
        base: ast.expr = node
        while isinstance(base, (ast.Attribute, ast.Subscript)) and (key := _constant_key(base)) is not None:
            keys.insert(0, key)
            base = base.value
        if isinstance(base, ast.Name) and base.id not in self._bound and base.id not in CONSTANTS:
            return closures.root_path(base.id, keys)
        return closures.path(self.compile(base), keys)

    def subscript(self, node: ast.Subscript) -> Node:
        """Compile an index, a computed key or a slice."""
        if isinstance(node.slice, ast.Slice):
            return self._slice(node.value, node.slice, self._parsed.position(node))
        if self._strict or _constant_key(node) is not None:
            return self.attribute(node)
        return closures.element(self.compile(node.value), self.compile(node.slice), self._parsed.position(node))

    def _strict_step(self, node: ast.Attribute | ast.Subscript) -> Node:
        key = closures.constant(node.attr) if isinstance(node, ast.Attribute) else self.compile(node.slice)
        path = ast.unparse(node.value)
        return closures.strict_element(self.compile(node.value), key, path, self._parsed.position(node))

    def _slice(self, value: ast.expr, node: ast.Slice, position: int | None) -> Node:
        bounds = [
            closures.constant(None) if bound is None else self.compile(bound)
            for bound in (node.lower, node.upper, node.step)
        ]
        return closures.part(self.compile(value), *bounds, position=position)

    def boolean(self, node: ast.BoolOp) -> Node:
        """Compile `and` and `or`."""
        parts = [self.compile(value) for value in node.values]
        return closures.both(parts) if isinstance(node.op, ast.And) else closures.either(parts)

    def unary(self, node: ast.UnaryOp) -> Node:
        """Compile `not` and signs; a negative number is a constant."""
        value = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if isinstance(node.op, ast.USub) and (type(value) is int or type(value) is float):
            return closures.constant(-value)
        return closures.unary(type(node.op), self.compile(node.operand), self._parsed.position(node))

    def binary(self, node: ast.BinOp) -> Node:
        """Compile arithmetic."""
        left, right = self.compile(node.left), self.compile(node.right)
        return closures.binary(type(node.op), left, right, self._parsed.position(node))

    def compare(self, node: ast.Compare) -> Node:
        """Compile a comparison or a chain of them."""
        parts = [self.compile(part) for part in (node.left, *node.comparators)]
        kinds = [type(operator) for operator in node.ops]
        position = self._parsed.position(node)
        if len(kinds) > 1:
            self.cost += len(kinds)
            return closures.chain(kinds, parts, position)
        right = node.comparators[0]
        if isinstance(right, ast.Constant):
            return closures.compare_constant(kinds[0], parts[0], cast("closures.Scalar", right.value), position)
        if isinstance(right, ast.Name) and right.id in CONSTANTS:
            return closures.compare_constant(kinds[0], parts[0], CONSTANTS[right.id], position)
        return closures.compare(kinds[0], parts[0], parts[1], position)

    def choice(self, node: ast.IfExp) -> Node:
        """Compile `a if test else b`."""
        return closures.choice(self.compile(node.test), self.compile(node.body), self.compile(node.orelse))

    def sequence(self, node: ast.List | ast.Tuple) -> Node:
        """Compile a list, or a tuple, which is one too."""
        self.cost += 2 + len(node.elts) // 4
        return closures.sequence([self.compile(element) for element in node.elts])

    def mapping(self, node: ast.Dict) -> Node:
        """Compile an object."""
        self.cost += 4 + 4 * len(node.keys)
        keys = [self.compile(key) for key in node.keys if key is not None]
        return closures.mapping(list(zip(keys, map(self.compile, node.values), strict=True)))

    def list_loop(self, node: ast.ListComp | ast.GeneratorExp) -> Node:
        """Compile a comprehension that makes a list."""
        self.cost += 2
        return list_loop(*self._loops(node.generators, lambda: self.compile(node.elt), 1))

    def dict_loop(self, node: ast.DictComp) -> Node:
        """Compile a comprehension that makes an object."""
        self.cost += 4
        pair = lambda: closures.pair(self.compile(node.key), self.compile(node.value))  # noqa: E731 -- one line
        return dict_loop(*self._loops(node.generators, pair, 5))

    def _loops(
        self, generators: list[ast.comprehension], body: Callable[[], Body], extra: int
    ) -> tuple[list[Loop], Body]:
        """Compile loops from the outside in, and their body where all loop variables are known.

        What is inside a loop is paid for in every round, and so leaves the cost of the whole.
        """
        outside, before = dict(self._bound), self.cost
        loops: list[Loop] = []
        for generator in generators:
            iterable = self.compile(generator.iter)
            assign = self._target(generator.target)
            loops.append(Loop(iterable, assign, [self.compile(condition) for condition in generator.ifs]))
        inner = body()
        for loop in loops:
            # A step takes less than half of the time that a unit stands for.
            loop.cost = (self.cost - before + 1) // 2 + extra
        self._bound, self.cost = outside, before + 2
        return loops, inner

    def _target(self, target: ast.expr) -> Callable[[Frame, JsonValue], None]:
        self.cost += 1
        if isinstance(target, (ast.Tuple, ast.List)):
            return unpacking([self._target(part) for part in target.elts])
        slot = self._bound[cast("ast.Name", target).id] = self.slots
        self.slots += 1
        return closures.assignment(slot)

    def call(self, node: ast.Call) -> Node:
        """Compile the call of a function or method."""
        self.cost += 3
        if isinstance(node.func, ast.Name):
            return self._function(node, node.func)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        return self._parsed.fail(node, "only functions and methods can be called")

    def _function(self, node: ast.Call, name: ast.Name) -> Node:
        spec = FUNCTIONS.get(name.id)
        if spec is None or name.id in self._bound:
            method = f"; there is a method: value.{name.id}()" if name.id in METHOD_NAMES else ""
            hint = method or nearest(name.id, FUNCTIONS)
            self._parsed.fail(name, f"there is no function {name.id!r}{hint}")
        strict, self._strict = self._strict, self._strict and not spec.lenient
        arguments = [(p, self._argument(p, given)) for p, given in bind(self._parsed, node, spec)]
        self._strict = strict
        return call_function(spec, arguments, self._parsed.position(node))

    def _method(self, node: ast.Call, name: ast.Attribute) -> Node:
        specs = {kind: methods[name.attr] for kind, methods in METHODS.items() if name.attr in methods}
        if not specs:
            function = f"; there is a function: {name.attr}(value)" if name.attr in FUNCTIONS else ""
            hint = function or nearest(name.attr, METHOD_NAMES)
            self._parsed.fail(name, f"there is no method {name.attr!r}{hint}")
        # Text and lists have methods of one name that take different arguments: the call must fit one of them.
        fitting: dict[type, tuple[FunctionSpec, Bound]] = {}
        refused: ExpressionSyntaxError | None = None
        for kind, spec in specs.items():
            try:
                fitting[kind] = (spec, bind(self._parsed, node, spec))
            except ExpressionSyntaxError as error:
                refused = error
        if refused is not None and not fitting:
            raise refused
        # An argument is compiled once for all of them: twice at each level would be exponential.
        given = {argument: self.compile(argument) for argument in _arguments_of(node)}
        bound = {
            kind: (spec, [(p, given[a] if a else closures.constant(p.default)) for p, a in pairs])
            for kind, (spec, pairs) in fitting.items()
        }
        return call_method(name.attr, self.compile(name.value), bound, self._parsed.position(node))

    def _argument(self, parameter: Parameter, node: ast.expr | None) -> Node:
        if node is None:
            return closures.constant(parameter.default)
        if parameter.lazy and isinstance(node, ast.GeneratorExp):
            return generator_loop(*self._loops(node.generators, lambda: self.compile(node.elt), 1))
        return self.compile(node)


def _arguments_of(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _constant_key(node: ast.Attribute | ast.Subscript) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return None


_HANDLERS: dict[type[ast.expr], Callable[[Compiler, Any], Node]] = {
    ast.Constant: Compiler.constant,
    ast.Name: Compiler.name,
    ast.Attribute: Compiler.attribute,
    ast.Subscript: Compiler.subscript,
    ast.BoolOp: Compiler.boolean,
    ast.UnaryOp: Compiler.unary,
    ast.BinOp: Compiler.binary,
    ast.Compare: Compiler.compare,
    ast.IfExp: Compiler.choice,
    ast.List: Compiler.sequence,
    ast.Tuple: Compiler.sequence,
    ast.Dict: Compiler.mapping,
    ast.ListComp: Compiler.list_loop,
    ast.GeneratorExp: Compiler.list_loop,
    ast.DictComp: Compiler.dict_loop,
    ast.Call: Compiler.call,
}
