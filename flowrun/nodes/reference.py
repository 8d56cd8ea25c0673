"""The reference of all node types as Markdown, made from the types themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.node_type import NodeKind
from flowrun.nodes.base import BaseNodeType
from flowrun.nodes.params import ParamsModel, nested_models

_HEADINGS = {
    NodeKind.TRIGGER: "Triggers",
    NodeKind.ENGINE: "Nodes that the engine runs itself",
    NodeKind.WORKER: "Nodes that workers run",
}
_INTRODUCTION = """# Node types

<!-- Made by `python -m flowrun.nodes.reference`; change the docstrings and fields in flowrun/nodes/types instead. -->

Params are written in snake_case or camelCase. A text may hold `{{ expressions }}`; a param of type *expression* is one
with or without the braces. A *duration* is a number of seconds, or a text such as `30s`, `5m` or `1h30m`.
Every node has the port `main`, which edges without a `source_handle` leave from, and the port `error`.
"""


def reference(types: Iterable[BaseNodeType]) -> str:
    """Write the reference of some node types: for each its purpose, params, ports and an example."""
    everything = list(types)
    parts = [_INTRODUCTION]
    for kind, heading in _HEADINGS.items():
        members = [node_type for node_type in everything if node_type.kind is kind]
        if members:
            parts += [f"## {heading}\n", *map(_section, members)]
    return "\n".join(parts)


def _section(node_type: BaseNodeType) -> str:
    lines = [f"### `{node_type.name}`\n", node_type.help, ""]
    if node_type.worker:
        lines += [f"Worker: `{node_type.worker}`.", ""]
    lines += params_table(node_type.Params)
    for name, model in _nested(node_type.Params):
        lines += [f"An object in `{name}` has:", "", *params_table(model)]
    ports = [port for port in node_type.ports(node_type.example) if port != MAIN_PORT]
    if ports:
        lines += [f"Ports, in the example: {', '.join(f'`{port}`' for port in ports)}.", ""]
    if node_type.example:
        shown = json.dumps(dict(node_type.example), indent=2, ensure_ascii=False)
        lines += ["```json", shown, "```", ""]
    return "\n".join(lines)


def params_table(model: type[ParamsModel], heading: str = "param") -> list[str]:
    """Write the fields of a model as a table; `heading` is what one of them is called."""
    properties = model.model_json_schema(by_alias=False)["properties"] if model.model_fields else {}
    if not properties:
        return ["No params.", ""]
    rows = [f"| {heading} | type | default | |", "|---|---|---|---|"]
    for name, written in model.names().items():
        field = model.model_fields[name]
        default = "required" if field.is_required() else _default(field.default)
        rows.append(f"| `{written}` | {_type(properties[name])} | {default} | {_cell(field.description or '')} |")
    return [*rows, ""]


def _nested(model: type[ParamsModel]) -> list[tuple[str, type[ParamsModel]]]:
    """Return the objects that params hold; those of a union are told in its description."""
    found = [(name, nested_models(field.annotation)) for name, field in model.model_fields.items()]
    return [(name, models[0]) for name, models in found if len(models) == 1]


def _type(schema: Mapping[str, Any]) -> str:
    """Say a JSON schema in a word or two."""
    if schema.get("format") in {"expression", "duration", "time"}:
        return str(schema["format"])
    if "const" in schema or "enum" in schema:
        return " / ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))
    members = schema.get("anyOf") or schema.get("oneOf")
    if members:
        words = [_type(member) for member in members if member.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "$ref" in schema or schema.get("type") == "object":
        return "object"
    words_by_type = {"string": "text", "integer": "integer", "number": "number", "boolean": "true/false"}
    return words_by_type.get(str(schema.get("type")), "any")


def _default(value: object) -> str:
    return "" if value is None or value in ("", {}) else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    import sys

    from flowrun.nodes.registry import builtin_types

    sys.stdout.write(reference(builtin_types()))
