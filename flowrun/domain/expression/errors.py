"""What can go wrong in an expression: in writing it, in evaluating it, and in letting it run too long."""

from __future__ import annotations

from flowrun.errors import FlowrunError, InvalidInputError


class ExpressionError(FlowrunError):
    """The expression failed."""

    code = "expression_error"

    def __init__(self, message: str | None = None, *, source: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.message = str(self)
        self.source = source
        self.position = position
        """The column in `source`, counted from 0; None when it is not known."""


class ExpressionLimitError(ExpressionError):
    """The expression needs more time or memory than it may take."""

    code = "expression_limit"


class ExpressionSyntaxError(InvalidInputError):
    """The expression is not valid."""

    code = "expression_syntax"

    def __init__(self, message: str | None = None, *, position: int | None = None, path: str = "") -> None:
        super().__init__(message)
        self.message = str(self)
        self.position = position
        """The column in the text that was compiled, counted from 0; None when it is not known."""
        self.path = path
        """Where in a template's value the text is, such as `headers.X[2]`; "" for the value itself."""
