"""The trigger for executions that are started by hand or by the API."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from flowrun.nodes.base import TriggerNodeType
from flowrun.nodes.params import ParamsModel


class InputDeclaration(ParamsModel):
    """One input that the workflow wants."""

    type: Literal["any", "string", "number", "integer", "boolean", "object", "array"] = Field(
        default="any", description="The kind of value."
    )
    required: bool = Field(default=False, description="Whether a start without it is refused.")
    default: Any = Field(default=None, description="The value when none is given.")
    description: str = Field(default="", description="A note for readers.")


class ManualParams(ParamsModel):
    """The params of `manual`."""

    inputs: dict[str, InputDeclaration] | None = Field(
        default=None,
        description="Name → `{type, required, default, description}`. Default: any input.",
    )


class ManualTrigger(TriggerNodeType):
    """Starts an execution by hand, from the command line or through the API, with the input given there."""

    name = "manual"
    Params = ManualParams
    deferred_params = frozenset({"inputs"})
    example = MappingProxyType(
        {
            "inputs": {
                "customer": {"type": "string", "required": True},
                "limit": {"type": "integer", "default": 10},
            }
        }
    )
