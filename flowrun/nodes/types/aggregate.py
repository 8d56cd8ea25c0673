"""The node that makes one value of a list."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome
from flowrun.errors import InvalidInputError, Issue
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Expression
from flowrun.nodes.params import ParamsModel
from flowrun.nodes.reductions import REDUCTIONS, Values, group_name, joined, value_at

Operation = Literal["sum", "count", "min", "max", "average", "first", "last", "list", "join", "group"]


class AggregateParams(ParamsModel):
    """The params of `aggregate`."""

    operation: Operation = Field(description="What is made of the items.")
    items: Expression = Field(default=None, description="The list. Default: the node's input.")
    field: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="The name within each item that counts, with dots for inner ones: `price.net`."
    )
    by: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="The name within each item whose values make groups, each with a result of its own."
    )
    separator: Annotated[str, Field(max_length=100)] = Field(default=", ", description="With `join`: what is between.")


class Aggregate(EngineNodeType):
    """Makes one value of a list: `sum`, `count`, `min`, `max`, `average`, `first`, `last`, `list`, `join` or `group`.

    - Nulls, and items without `field`, are left out; `first`, `last` and `list` keep them.
    - `sum` and `average` take numbers, `min` and `max` numbers or texts, `join` anything but lists and objects.
    - Of no items, `sum` and `count` are 0, `list` is `[]`, `join` is empty, the others are null.
    - With `by` the output is an object: the text of each value of `by`, in the order in which they first appear, → the
      result of its items. `group` is `list` with `by` as a must.
    """

    name = "aggregate"
    Params = AggregateParams
    expression_params = frozenset({"items"})
    example = MappingProxyType({"operation": "sum", "items": "input.lines", "field": "price", "by": "category"})

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Return everything wrong with the params as written."""
        return [*super().issues(node), *_without_by(node.params)]

    def check(self, params: JsonObject) -> JsonObject:
        """Leave `items` out when it was not given: null is no list."""
        checked = super().check(params)
        if missing := _without_by(checked):
            raise InvalidInputError(str(missing[0]), missing)
        if "items" not in params:
            del checked["items"]
        return checked

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the value; fail as `invalid_input` when the items don't fit the operation."""
        params: Any = context.params
        items = params.get("items", context.input)
        if not isinstance(items, list):
            return Failed("invalid_input", "there is no list to aggregate: `items`, or else the input, must be one")
        try:
            if params["by"] is None:
                return Completed(_reduced(params, list(enumerate(items))))
            groups = _groups(items, params["by"].split("."))
            return Completed({name: _reduced(params, group) for name, group in groups.items()})
        except (ValueError, OverflowError) as error:
            return Failed("invalid_input", str(error))


def _without_by(params: JsonObject) -> list[Issue]:
    if params.get("operation") != "group" or params.get("by") is not None:
        return []
    return [Issue("by", "is required with `operation: group`")]


def _reduced(params: dict[str, Any], items: Values) -> JsonValue:
    path = params["field"].split(".") if params["field"] else []
    values = [(place, value_at(item, path)) for place, item in items]
    if params["operation"] == "join":
        return joined(values, params["separator"])
    return REDUCTIONS["list" if params["operation"] == "group" else params["operation"]](values)


def _groups(items: list[JsonValue], path: list[str]) -> dict[str, list[tuple[int, JsonValue]]]:
    groups: dict[str, list[tuple[int, JsonValue]]] = {}
    for place, item in enumerate(items):
        groups.setdefault(group_name(value_at(item, path), place), []).append((place, item))
    return groups
