"""The form that a workflow's declared inputs make, and the input that its fields make: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tui.render.model import EACH, ERROR, Graph

ANY_DATA = "data"
"""The one field of a signal that takes any data."""
_BEGINNINGS = ("{", "[", '"')
_KINDS = {"number": "number", "boolean": "boolean"}
_STARTERS = ("manual", "webhook", "event", "schedule")


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a workflow."""

    name: str
    type: str = "any"
    required: bool = False
    default: Any = None
    description: str = ""

    @property
    def text(self) -> str:
        """The default as it is written into the field."""
        if self.default is None:
            return ""
        return self.default if isinstance(self.default, str) and self.type == "string" else _dumps(self.default)

    @property
    def hint(self) -> str:
        """What belongs into the field."""
        return {
            "string": "text",
            "number": "a number",
            "integer": "a whole number",
            "boolean": "true or false",
            "object": '{"name": 1}',
            "array": "[1, 2]",
        }.get(self.type, "JSON, or text")


def fields_of(definition: Mapping[str, Any]) -> tuple[FormField, ...]:
    """The inputs that the manual trigger declares; none when any input is taken."""
    manual: Mapping[str, Any] | None = next(
        (node for node in definition["nodes"] if node.get("type") == "manual"), None
    )
    inputs = ((manual or {}).get("params") or {}).get("inputs")
    if not isinstance(inputs, Mapping):
        return ()
    return tuple(
        FormField(
            str(name),
            str(one.get("type") or "any"),
            bool(one.get("required")),
            one.get("default"),
            str(one.get("description") or ""),
        )
        for name, one in inputs.items()
        if isinstance(one, Mapping)
    )


def signal_form(wait: Mapping[str, Any]) -> tuple[tuple[FormField, ...], str]:
    """The fields of what a waiting node asks, and what it says to the person."""
    form = wait.get("form")
    if not isinstance(form, Mapping):
        return (FormField(ANY_DATA, description="any JSON, or text"),), "The node that waits goes on with this data."
    approval = (FormField("approved", "boolean", required=True),) if form.get("approval") else ()
    fields = tuple(
        FormField(
            str(one["name"]),
            _KINDS.get(str(one.get("type")), "string"),
            bool(one.get("required")),
            one.get("value"),
            " | ".join(map(str, one.get("options") or ())) or str(one.get("label") or ""),
        )
        for one in form.get("fields") or ()
    )
    found = approval + fields
    return found or (FormField(ANY_DATA),), str(form.get("text") or form.get("title") or "")


def skip_form(definition: Mapping[str, Any], node: str) -> tuple[FormField, ...]:
    """What skipping a node asks for: its output, and where the node leaves by several ports, by which."""
    output = FormField("output", default={})
    edges = Graph.read(definition).edges
    ports = {edge.port or "main" for edge in edges if edge.source == node} - {ERROR, EACH}
    if ports <= {"main"} or ports == {"done"}:
        return (output,)
    return output, FormField("port", "string", "main" not in ports, None, " | ".join(sorted(ports)))


def startable(definition: Mapping[str, Any]) -> bool:
    """Whether it has a trigger that can be fired by hand."""
    return any(node.get("type") in _STARTERS for node in definition["nodes"])


def read_fields(fields: Sequence[FormField], texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The input that the fields make, and by field what is wrong with it."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields:
        text = texts.get(field.name, "")
        if not text.strip() and not (field.type == "string" and (text or _emptied(field, texts))):
            if field.required and field.default is None:
                wrong[field.name] = "is needed"
            continue
        try:
            values[field.name] = _value(field, text)
        except ValueError as error:
            wrong[field.name] = str(error)
    return values, wrong


def _emptied(field: FormField, texts: Mapping[str, str]) -> bool:
    """Whether somebody has taken the default out of a field."""
    return bool(field.default) and field.name in texts


def read_json(text: str) -> Any:  # noqa: ANN401 - any JSON
    """A whole input as JSON, nothing being null. Raises `ValueError`."""
    return orjson.loads(text) if text.strip() else None


def _value(field: FormField, text: str) -> Any:  # noqa: ANN401
    if field.type == "string":
        return text
    if field.type == "any":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if text.lstrip().startswith(_BEGINNINGS):
                raise ValueError(f"begins like JSON, and is none: {error}") from None
            return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError(f"must be {field.hint}") from None
    kinds: dict[str, tuple[type, ...]] = {
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
        "object": (dict,),
        "array": (list,),
    }
    wanted = kinds.get(field.type)
    if wanted is not None and (not isinstance(value, wanted) or (isinstance(value, bool) and field.type != "boolean")):
        raise ValueError(f"must be {field.hint}")
    return value


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()
