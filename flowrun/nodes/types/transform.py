"""The nodes that make a new value: `transform`, and `set` as another name of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pydantic import Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.params import NOT_GIVEN, ParamsModel


class TransformParams(ParamsModel):
    """The params of `transform`."""

    exactly_one = ("value", "set")

    value: Any = Field(default=None, description="The output: any JSON, with expressions.")
    set: dict[str, Any] = Field(
        default=NOT_GIVEN, description="Name → value: laid over the input, which must be an object."
    )


class Transform(EngineNodeType):
    """Makes its output from expressions: a `value` of its own, or the input with some names `set`.

    Give exactly one of both. For `set`, no input (null) counts as an empty object.
    """

    name = "transform"
    Params = TransformParams
    example = MappingProxyType({"value": {"id": "{{ input.order.id }}", "gross": "{{ input.net * 1.19 }}"}})

    def check(self, params: JsonObject) -> JsonObject:
        """Leave the param out that was not given."""
        checked = super().check(params)
        del checked["set" if "value" in params else "value"]
        return checked

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the value, or with the input and what is set."""
        if "value" in context.params:
            return Completed(context.params["value"])
        changes: Any = context.params["set"]
        present = {} if context.input is None else context.input
        if not isinstance(present, dict):
            kind = {list: "a list", str: "a text", bool: "true or false"}.get(type(present), "a number")
            return Failed("invalid_input", f"`set` needs an object as the node's input, which is {kind}")
        return Completed({**present, **changes})


class Set(Transform):
    """Another name of `transform`."""

    name = "set"
    example = MappingProxyType({"set": {"status": "checked", "checked_by": "{{ vars.team }}"}})
