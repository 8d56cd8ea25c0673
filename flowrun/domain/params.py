"""The params of one run: expressions evaluated, secrets marked, checked against the type's schema."""

from __future__ import annotations

from flowrun.domain.execution import NodeRun
from flowrun.domain.expression import ExpressionError
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Failed
from flowrun.domain.scope import scope_of
from flowrun.domain.secret_marks import marks
from flowrun.domain.turn import Turn
from flowrun.errors import InvalidInputError


def resolve_params(turn: Turn, run: NodeRun, now: int, extra: JsonObject | None = None) -> JsonObject:
    """The node's params with expressions evaluated and checked; secrets become marks.

    `extra` are names that only this evaluation sees. Raises `ExpressionError`, or `InvalidInputError` when a value
    doesn't fit.
    """
    node, execution = run.node, turn.execution
    if node.constant is not None:
        return node.constant
    scope = scope_of(execution, run, node.params)
    if "input" in node.params.names:
        scope["input"] = execution.input_of(run)
    if node.params.secret_refs:
        scope["secrets"] = marks(turn.secret_token, node.params.secret_refs)
    if extra is not None:
        scope.update(extra)
    values = node.params.evaluate(scope, now=now)
    return node.type.check({**values, **node.deferred} if isinstance(values, dict) else node.deferred)


def bad_params(error: ExpressionError | InvalidInputError) -> Failed:
    """The failure of a node whose params cannot be resolved."""
    details: JsonValue = None
    if isinstance(error, InvalidInputError) and error.issues:
        details = [{"path": issue.path, "message": issue.message} for issue in error.issues]
    kind = "expression_error" if isinstance(error, ExpressionError) else "invalid_params"
    return Failed(kind, str(error), details=details)
