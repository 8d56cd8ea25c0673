"""The loop while a condition holds: `loop`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pydantic import Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import LoopPlan
from flowrun.nodes.base import LoopNodeType
from flowrun.nodes.params import ParamsModel


class LoopParams(ParamsModel):
    """The params of `loop`."""

    condition: Any = Field(
        description="An expression; looked at before each iteration, with `index` and, as `input`, the latest output."
    )
    max_iterations: int = Field(default=100, ge=1, le=100_000, description="After so many it ends in any case.")


class Loop(LoopNodeType):
    """Runs what its `each` port leads to for as long as its condition holds.

    The first iteration's input is the node's own, every other's is the output of the one before; the port `done` is
    taken at the end with the latest output. In the body `item` is the iteration's input, and `index` counts from 0.
    """

    name = "loop"
    repeats = True
    Params = LoopParams
    expression_params = frozenset({"condition"})
    example = MappingProxyType({"condition": "input.next_page != null", "max_iterations": 50})

    def plan(self, params: JsonObject) -> LoopPlan:
        """Whether it goes on, and how often at most."""
        checked: Any = params
        return LoopPlan(items=None, goes_on=bool(checked["condition"]), most=checked["max_iterations"])
