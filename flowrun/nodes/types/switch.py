"""The node that chooses a way by a value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field, field_validator

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.equality import json_equal
from flowrun.nodes.fields import Expression, PortName
from flowrun.nodes.params import ParamsModel

DEFAULT_PORT = "default"


class SwitchParams(ParamsModel):
    """The params of `switch`."""

    value: Expression = Field(description="What is compared with the cases.")
    cases: dict[PortName, Any] = Field(description="Port → the value it stands for.", min_length=1)

    @field_validator("cases")
    @classmethod
    def _default_is_not_a_case(cls, cases: dict[str, Any]) -> dict[str, Any]:
        if DEFAULT_PORT in cases:
            raise ValueError("must not have a case named 'default': that is the port when no case fits")
        return cases


class Switch(EngineNodeType):
    """Takes the edges of the first case that equals the value, or of port `default`; its output is its input.

    Values are compared as JSON: `1` equals `1.0`, but not `true` and not `"1"`. An edge without a port
    follows in every case.
    """

    name = "switch"
    Params = SwitchParams
    expression_params = frozenset({"value"})
    example = MappingProxyType({"value": "input.country", "cases": {"domestic": "DE", "neighbour": "AT"}})

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """Return the cases, `default` and `main`."""
        cases = params.get("cases")
        return (*(cases if isinstance(cases, dict) else ()), DEFAULT_PORT, MAIN_PORT)

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the input on the port of the first equal case."""
        value = context.params["value"]
        cases: Any = context.params["cases"]
        port = next((port for port, literal in cases.items() if json_equal(value, literal)), DEFAULT_PORT)
        return Completed(context.input, (port, MAIN_PORT))
