"""The node that chooses ways by conditions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Expression, PortName
from flowrun.nodes.params import ParamsModel

DEFAULT_PATH = "default"


def _mode(value: object) -> object:
    return value.replace("_", "-") if isinstance(value, str) else value


class Condition(ParamsModel):
    """One way out of a decision."""

    id: PortName = Field(description="The port that is taken.")
    expression: Expression = Field(description="Taken as true unless it is false, null, zero or empty.")
    priority: float = Field(default=0, description="The lowest comes first; equals keep their order.")


class DecisionParams(ParamsModel):
    """The params of `decision`."""

    conditions: list[Condition] = Field(min_length=1, description="The ways out: `{id, expression, priority}` each.")
    default_path: PortName = Field(default=DEFAULT_PATH, description="The port when no condition is true.")
    evaluation_mode: Annotated[Literal["first-match", "all-matching"], BeforeValidator(_mode)] = Field(
        default="first-match", description="Whether the first true condition wins, or every one."
    )

    @field_validator("conditions")
    @classmethod
    def _ids_differ(cls, conditions: list[Condition]) -> list[Condition]:
        ids = [condition.id for condition in conditions]
        twice = next((one for i, one in enumerate(ids) if one in ids[:i]), None)
        if twice is not None:
            raise ValueError(f"has two conditions with the id {twice!r}")
        return conditions


class Decision(EngineNodeType):
    """Takes the edges of the first true condition, or of every one; its output is its input.

    All conditions are evaluated, whatever the mode, and one that can't be evaluated fails the node: it isn't
    false. An edge without a port follows in every case.
    """

    name = "decision"
    Params = DecisionParams
    expression_params = frozenset({"conditions[].expression"})
    literal_params = frozenset({"default_path"})
    example = MappingProxyType(
        {
            "conditions": [
                {"id": "large", "expression": "input.total > 1000", "priority": 1},
                {"id": "medium", "expression": "input.total > 100", "priority": 2},
            ],
            "default_path": "small",
            "evaluation_mode": "first-match",
        }
    )

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """Return the ids of the conditions, the default path and `main`."""
        conditions = params.get("conditions")
        rows = conditions if isinstance(conditions, list) else []
        ids = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
        default = params.get("default_path", params.get("defaultPath", DEFAULT_PATH))
        return tuple(dict.fromkeys(str(port) for port in (*ids, default, MAIN_PORT)))

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the input on the ports of the conditions that count."""
        params: Any = context.params
        ordered = sorted(params["conditions"], key=lambda condition: condition["priority"])
        matching = [condition["id"] for condition in ordered if condition["expression"]]
        if params["evaluation_mode"] == "first-match":
            matching = matching[:1]
        return Completed(context.input, (*(matching or [params["default_path"]]), MAIN_PORT))
