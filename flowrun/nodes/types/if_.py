"""The node that takes one of two ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Expression
from flowrun.nodes.params import ParamsModel


class IfParams(ParamsModel):
    """The params of `if`."""

    condition: Expression = Field(description="Taken as true unless it is false, null, zero or empty.")


class If(EngineNodeType):
    """Takes the edges of port `true` or those of port `false`; its output is its input.

    An edge without a port follows in both cases.
    """

    name = "if"
    Params = IfParams
    expression_params = frozenset({"condition"})
    example = MappingProxyType({"condition": "input.total > 100 and input.currency == 'EUR'"})

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:  # noqa: ARG002
        """Return `true`, `false` and `main`."""
        return ("true", "false", MAIN_PORT)

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the input on the port of the condition's truth."""
        return Completed(context.input, ("true" if context.params["condition"] else "false", MAIN_PORT))
