"""The node that makes a list of something larger."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Expression
from flowrun.nodes.params import ParamsModel


class SplitParams(ParamsModel):
    """The params of `split`."""

    items: Expression = Field(default=None, description="A list, an object or a text. Default: the node's input.")
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Makes lists of so many items each; the last may have fewer. Default: no batches."
    )
    separator: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="\n", description="What is between the parts of a text; it is left out."
    )


class Split(EngineNodeType):
    """Makes a list to work on item by item, or with `batch_size` a list of lists; a `for_each` node runs them.

    A list stays as it is, an object becomes `{key, value}` for each of its names, a text is cut at `separator`, and
    null is an empty list; an empty text is one, too. Anything else fails as `invalid_input`.
    """

    name = "split"
    Params = SplitParams
    expression_params = frozenset({"items"})
    example = MappingProxyType({"items": "input.recipients", "batch_size": 50})

    def check(self, params: JsonObject) -> JsonObject:
        """Leave `items` out when it was not given: null is a value, too."""
        checked = super().check(params)
        if "items" not in params:
            del checked["items"]
        return checked

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the list."""
        params: Any = context.params
        value = params.get("items", context.input)
        items = _listed(value, params["separator"])
        if items is None:
            return Failed("invalid_input", f"a list, an object or a text can be split, not {value!r}"[:200])
        size = params["batch_size"]
        if size is None:
            return Completed(items)
        return Completed([items[start : start + size] for start in range(0, len(items), size)])


def _listed(value: JsonValue, separator: str) -> list[JsonValue] | None:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [{"key": key, "value": part} for key, part in value.items()]
    if isinstance(value, str):
        return [*value.split(separator)] if value else []
    return [] if value is None else None
