"""The node that lets an input pass, or ends its path."""

from __future__ import annotations

from types import MappingProxyType

from pydantic import Field

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.node_type import Completed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Expression
from flowrun.nodes.params import ParamsModel


class FilterParams(ParamsModel):
    """The params of `filter`."""

    condition: Expression = Field(description="The input passes when this is true (or not empty, not zero).")


class Filter(EngineNodeType):
    """Lets its input pass when the condition is true; otherwise what follows only it is skipped."""

    name = "filter"
    Params = FilterParams
    expression_params = frozenset({"condition"})
    example = MappingProxyType({"condition": "input.total > 100"})

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the input, on no port at all when the condition is false."""
        return Completed(context.input, (MAIN_PORT,) if context.params["condition"] else ())
