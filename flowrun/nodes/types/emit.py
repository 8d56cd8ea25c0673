"""The node that emits an event."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Emitted, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import number_as_text
from flowrun.nodes.params import ParamsModel

_Subject = Annotated[str, Field(min_length=1, max_length=500)]
_TYPE = re.compile(r"[^\s*\x00-\x1f\x7f]{1,255}")


def _type(value: object) -> str:
    if not isinstance(value, str) or not _TYPE.fullmatch(value):
        raise ValueError("must be a type such as 'order.paid': 1 to 255 characters, no white space, no *")
    return value


class EmitParams(ParamsModel):
    """The params of `emit`."""

    event_type: Annotated[str, BeforeValidator(_type)] = Field(description="The type of the event.")
    data: Any = Field(default=None, description="What it carries: any JSON. Default: the node's input.")
    subject: Annotated[_Subject | None, BeforeValidator(number_as_text)] = Field(
        default=None, description="What it is about, e.g. an id."
    )


class Emit(EngineNodeType):
    """Emits an event, exactly once; its output is the event.

    It reaches every published workflow of the tenant whose `event` trigger matches, after this node has completed. A
    chain of workflows that start one another this way ends after 16: the next event fails as `event_chain_too_long`.
    """

    name = "emit"
    Params = EmitParams
    example = MappingProxyType({"event_type": "order.paid", "data": {"id": "{{ input.id }}"}})

    def check(self, params: JsonObject) -> JsonObject:
        """Leave `data` out when it was not given: null is data too."""
        checked = super().check(params)
        if "data" not in params:
            del checked["data"]
        return checked

    def decide(self, context: NodeContext) -> Outcome:
        """Complete, and let the event go out."""
        params: Any = context.params
        return Emitted(params.get("data", context.input), event_type=params["event_type"], subject=params["subject"])
