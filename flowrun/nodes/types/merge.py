"""The node that makes one value of what several parents gave."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.params import ParamsModel


class MergeParams(ParamsModel):
    """The params of `merge`."""

    mode: Literal["by_id", "append", "combine"] = Field(
        default="by_id",
        description="`by_id`: `{parent: output}`; `append`: one list; `combine`: one object, or with `key` one list.",
    )
    key: str | None = Field(
        default=None,
        min_length=1,
        description="With `combine`: the name on which lists of objects are joined.",
    )

    @field_validator("key")
    @classmethod
    def _key_needs_combine(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key is not None and info.data.get("mode", "combine") != "combine":
            raise ValueError("goes with `mode: combine` only")
        return key


class Merge(EngineNodeType):
    """Makes one value of the outputs of the parents that were taken, in the order of their edges.

    - `by_id` (default): `{parent_id: output}`, with one parent too.
    - `append`: one list; lists are joined end to end, anything else is one entry.
    - `combine`: one object; a later parent's names win; null counts as empty. With `key`: every parent
      gives a list of objects, and all rows with the same value of `key` become one object, in the order in
      which the values first appear.
    """

    name = "merge"
    Params = MergeParams
    example = MappingProxyType({"mode": "combine", "key": "customer_id"})

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the merged value; fail as `invalid_input` when the outputs don't fit."""
        parts = _parts(context)
        mode, key = context.params["mode"], context.params["key"]
        if mode == "append":
            lists = (part if isinstance(part, list) else [part] for _, part in parts)
            return Completed([item for items in lists for item in items])
        if mode == "by_id":
            return Completed(dict(parts) if context.sources else context.input)
        try:
            return Completed(_combined(parts) if key is None else _joined(parts, str(key)))
        except ValueError as error:
            return Failed("invalid_input", str(error))


def _parts(context: NodeContext) -> list[tuple[str, JsonValue]]:
    """Each taken parent with its output; a node without parents is given the execution's input."""
    sources, given = context.sources, context.input
    if len(sources) < 2:
        return [(sources[0] if sources else "input", given)]
    outputs: Any = given
    return [(source, outputs[source]) for source in sources]


def _combined(parts: list[tuple[str, JsonValue]]) -> JsonObject:
    result: JsonObject = {}
    for source, part in parts:
        if part is not None and not isinstance(part, dict):
            raise ValueError(f"`combine` needs objects, and {source!r} gave something else")
        result.update(part or {})
    return result


def _joined(parts: list[tuple[str, JsonValue]], key: str) -> list[JsonValue]:
    rows: dict[tuple[str, JsonValue], JsonObject] = {}
    for source, part in parts:
        if not isinstance(part, list):
            raise ValueError(f"`key` needs lists of objects, and {source!r} gave something else")  # noqa: TRY004
        for i, row in enumerate(part):
            if not isinstance(row, dict) or key not in row:
                raise ValueError(f"entry {i} of {source!r} has no {key!r} to join on")
            rows.setdefault(_identity(row[key], f"entry {i} of {source!r}"), {}).update(row)
    return list(rows.values())


def _identity(value: JsonValue, place: str) -> tuple[str, JsonValue]:
    """Tell what makes two keys the same as JSON: `1` is `1.0`, but not `true`."""
    if isinstance(value, dict | list):
        raise ValueError(f"{place} has a list or an object where it is joined on")  # noqa: TRY004
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("number" if is_number else type(value).__name__, value)
