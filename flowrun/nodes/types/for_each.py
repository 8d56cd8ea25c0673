"""The loop over items: `for_each`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import LoopPlan
from flowrun.nodes.base import LoopNodeType
from flowrun.nodes.params import ParamsModel


class ForEachParams(ParamsModel):
    """The params of `for_each`."""

    items: list[Any] = Field(description="What to run the body for: a list, or an expression such as `input.orders`.")
    concurrency: int = Field(default=1, ge=1, le=1000, description="How many items at once.")
    on_item_error: Literal["fail", "collect"] = Field(
        default="fail",
        description="`fail`: the first item that fails, fails the node. `collect`: `{error}` takes its output's place.",
    )


class ForEach(LoopNodeType):
    """Runs what its `each` port leads to, once for every item.

    In the body `item` and `index` are known, and the first node's input is the item. An item is done when the last
    node of the body is; nothing leads out of the body but the port `done`, which is taken at the end with the list of
    the items' outputs, in the order of the items.
    """

    name = "for_each"
    Params = ForEachParams
    expression_params = frozenset({"items"})
    example = MappingProxyType({"items": ["{{ input.first }}", "{{ input.second }}"], "concurrency": 2})

    def plan(self, params: JsonObject) -> LoopPlan:
        """The items, how many at once, and what an error does."""
        checked: Any = params
        return LoopPlan(
            items=checked["items"],
            concurrency=checked["concurrency"],
            collect_errors=checked["on_item_error"] == "collect",
        )
