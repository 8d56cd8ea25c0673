"""The expression language of workflows: restricted, pure, and bounded in time and memory."""

from __future__ import annotations

from flowrun.domain.expression.budget import METER
from flowrun.domain.expression.errors import ExpressionError, ExpressionLimitError, ExpressionSyntaxError
from flowrun.domain.expression.expression import Expression, compile_expression
from flowrun.domain.expression.functions import FUNCTIONS
from flowrun.domain.expression.reference import reference
from flowrun.domain.expression.scan import as_expression, is_template
from flowrun.domain.expression.table import FunctionSpec
from flowrun.domain.expression.template import Template, compile_template, template_issues
from flowrun.domain.expression.values import JsonValue

__all__ = [
    "FUNCTIONS",
    "METER",
    "Expression",
    "ExpressionError",
    "ExpressionLimitError",
    "ExpressionSyntaxError",
    "FunctionSpec",
    "JsonValue",
    "Template",
    "as_expression",
    "compile_expression",
    "compile_template",
    "is_template",
    "reference",
    "template_issues",
]
