"""What a workflow names that has to be there when it runs: secrets, channels and other workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from flowrun.triggers.channels import channel_of

SECRET, CHANNEL, WORKFLOW = "secret", "channel", "workflow"
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_SECRET = re.compile(r"""\bsecrets\s*(?:\.\s*([A-Za-z]\w*)|\[\s*['"]([A-Za-z]\w*)['"]\s*\])""", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """A name, and where in the params it is written: `auth.secrets[0]`."""

    kind: str
    name: str
    path: str


def references(node_type: str, params: Mapping[str, Any]) -> Iterator[Reference]:
    """What a node names, as far as it is known before the node runs."""
    for path, text in _texts("", params):
        for inner in _EXPRESSION.findall(text):
            for match in _SECRET.finditer(inner):
                yield Reference(SECRET, match[1] or match[2], path)
    for kind, path, name in _plain(node_type, params):
        if isinstance(name, str) and name and "{{" not in name:
            yield Reference(kind, name, path)


def _plain(node_type: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, object]]:
    if node_type == "webhook":
        auth = params.get("auth")
        yield CHANNEL, "auth.channel", channel_of(auth)
        secrets = auth.get("secrets") if isinstance(auth, Mapping) else None
        for number, name in enumerate(secrets if isinstance(secrets, list) else ()):
            yield SECRET, f"auth.secrets[{number}]", name
    elif node_type == "send":
        yield CHANNEL, "channel", params.get("channel")
    elif node_type == "workflow":
        yield WORKFLOW, *_workflow_id(params)
    elif node_type == "agent":
        tools = params.get("tools")
        for number, tool in enumerate(tools if isinstance(tools, list) else ()):
            if isinstance(tool, Mapping):
                key, name = _workflow_id(tool)
                yield WORKFLOW, f"tools[{number}].{key}", name


def _workflow_id(params: Mapping[str, Any]) -> tuple[str, object]:
    key = "workflow_id"
    key = key if key in params else to_camel(key)
    return key, params.get(key)


def _texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{path}[{number}]", inner)
