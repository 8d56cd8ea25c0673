"""The types of channels as documents, for those who want to set one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.base import ChannelType
from flowrun.domain.json import JsonObject


def type_documents() -> list[JsonObject]:
    """Every type by name: what it is for, and what it needs to know."""
    return [_document(CHANNEL_TYPES[name]) for name in sorted(CHANNEL_TYPES)]


def _json_type(schema: Mapping[str, Any]) -> str:
    """The JSON type of a credential, leaving aside that it may be null."""
    options = [option.get("type") for option in schema.get("anyOf", [schema])]
    return str(next((option for option in options if option not in {None, "null"}), "string"))


def _document(kind: ChannelType) -> JsonObject:
    names, properties = kind.Credentials.names(), kind.Credentials.model_json_schema(by_alias=False)["properties"]
    return {
        "type": kind.name,
        "provider": kind.provider,
        "summary": kind.summary,
        "help": kind.help,
        "credentials": [
            {
                "name": names[name],
                "type": _json_type(properties[name]),
                "required": field.is_required(),
                "secret": names[name] in kind.secret_names,
                "description": field.description or "",
            }
            for name, field in kind.Credentials.model_fields.items()
        ],
        "one_of": list(kind.Credentials.exactly_one),
        "example": dict(kind.example),
    }
