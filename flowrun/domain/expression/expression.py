"""One compiled expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from flowrun.domain.expression.budget import BUDGET, METER, Frame
from flowrun.domain.expression.compile import Compiler
from flowrun.domain.expression.errors import ExpressionError, ExpressionLimitError
from flowrun.domain.expression.names import references
from flowrun.domain.expression.parse import Parsed, parse
from flowrun.domain.expression.secret_names import SecretUse, secret_use
from flowrun.domain.expression.sizes import check_result
from flowrun.domain.expression.values import JsonValue


class Expression:
    """An expression that can be evaluated any number of times, in any number of threads."""

    __slots__ = (
        "_lenient",
        "_parsed",
        "_strict",
        "dynamic_nodes",
        "names",
        "nests_secrets",
        "node_refs",
        "resume_refs",
        "secret_refs",
        "source",
    )

    def __init__(self, parsed: Parsed) -> None:
        found = references(parsed.body)
        self.source = parsed.source
        self.names = frozenset(found.names)
        """The free names, functions apart."""
        self.node_refs = frozenset(found.node_refs)
        """The ids X that occur as `nodes.X` or `nodes["X"]`."""
        self.resume_refs = frozenset(found.resume_refs)
        """The ids X that occur as `execution.resume_urls.X`."""
        self.dynamic_nodes = found.dynamic_nodes
        """Whether `nodes` occurs in another way, so that any node may be meant."""
        use = secret_use(parsed) if "secrets" in found.names else SecretUse()
        self.secret_refs = frozenset(use.names)
        """The names X that occur as `secrets.X`; the scope gives each a text that stands for it."""
        self.nests_secrets = use.nested
        """Whether a secret is put into a list or an object."""
        self._parsed = parsed
        self._lenient = _Program(parsed, strict=False)
        self._strict: _Program | None = None

    def evaluate(self, scope: Mapping[str, JsonValue], *, now: int, strict: bool = False) -> JsonValue:
        """Return the value in a scope; `now` is the time in milliseconds since 1970 began in UTC.

        The result may share parts with the scope: neither must be changed. In strict mode a missing key or
        index is an error instead of null. Raises ExpressionError, and ExpressionLimitError when the budget is
        used up or the result too large.
        """
        frame = Frame(scope, now, BUDGET)
        try:
            value = self.run(frame, strict=strict)
        finally:
            METER.units += BUDGET - frame.left
        if type(value) is list or type(value) is dict:
            try:
                check_result(value)
            except ExpressionLimitError as error:
                error.source = self.source
                raise
        return value

    def run(self, frame: Frame, *, strict: bool) -> JsonValue:
        """Return the value, paid for from a frame's budget, before it is known to be small enough."""
        program = self._lenient
        if strict:
            program = self._strict = self._strict or _Program(self._parsed, strict=True)
        frame.left -= program.cost
        if program.slots:
            frame.locals = [None] * program.slots
        try:
            return program.node(frame)
        except ExpressionError as error:
            error.source = self.source
            raise
        except (RecursionError, MemoryError):
            raise ExpressionLimitError("the expression is nested too deeply", source=self.source) from None
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # The functions foresee these; should one have been forgotten, it is still the expression that failed.
            raise ExpressionError(f"the expression failed: {error}"[:300], source=self.source) from error


class _Program:
    """The closures of an expression in one mode."""

    __slots__ = ("cost", "node", "slots")

    def __init__(self, parsed: Parsed, *, strict: bool) -> None:
        compiler = Compiler(parsed, strict=strict)
        self.node: Callable[[Frame], JsonValue] = compiler.compile(parsed.body)
        self.cost = compiler.cost
        self.slots = compiler.slots


@lru_cache(maxsize=2048)
def compile_expression(source: str) -> Expression:
    """Return the expression that a source such as `input.total > 100` stands for.

    Raises ExpressionSyntaxError.
    """
    return Expression(parse(source))
