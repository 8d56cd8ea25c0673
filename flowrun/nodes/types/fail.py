"""The node that fails on purpose."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field

from flowrun.domain.node_type import Failed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import number_as_text
from flowrun.nodes.params import ParamsModel


class FailParams(ParamsModel):
    """The params of `fail`."""

    message: Annotated[str, BeforeValidator(number_as_text)] = Field(
        default="The workflow ended at a fail node.", description="What went wrong, for people."
    )
    type: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="failed", description="What went wrong, for programs: the `type` of the error object."
    )


class Fail(EngineNodeType):
    """Fails with an error of your own; there is no retry, `on_error` decides what follows."""

    name = "fail"
    Params = FailParams
    example = MappingProxyType({"message": "Order {{ input.id }} has no lines", "type": "empty_order"})

    def decide(self, context: NodeContext) -> Outcome:
        """Fail for good."""
        return Failed(type=str(context.params["type"]), message=str(context.params["message"]))
