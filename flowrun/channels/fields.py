"""Kinds of values that several channel types take as credentials."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

_MARK = {"secret": True}


def _one_line(value: object) -> object:
    if isinstance(value, str) and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("has a line break or another control character")
    return value.strip() if isinstance(value, str) else value


def _header_safe(value: object) -> object:
    value = _one_line(value)
    if isinstance(value, str) and not value.isascii():
        raise ValueError("has a character that no such token has")
    return value


def _url(value: object) -> object:
    text = _one_line(value)
    if not isinstance(text, str) or not text.lower().startswith(("http://", "https://")) or len(text) > 2048:
        raise ValueError("must be a URL that begins with http:// or https://, of at most 2048 characters")
    if "@" in text.split("/")[2].split("?")[0]:
        raise ValueError("must not hold a user or password")
    return text


def _base_url(value: object) -> object:
    text = _url(value)
    if isinstance(text, str) and ("?" in text or "#" in text):
        raise ValueError("must have no query: paths are put behind it")
    return text.rstrip("/") if isinstance(text, str) else text


def _identifier(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Token = Annotated[str, BeforeValidator(_header_safe), Field(min_length=1, max_length=4096, json_schema_extra=_MARK)]
"""A secret that goes into a header or a path."""

Text = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=500)]
"""One line that is no secret."""

Secret = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=4096, json_schema_extra=_MARK)]
"""One line that nobody may read."""

SecretUrl = Annotated[str, BeforeValidator(_url), Field(json_schema_extra=_MARK)]
"""An address that lets whoever knows it send."""

Url = Annotated[str, BeforeValidator(_url)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
"""An address that paths are put behind."""

Id = Annotated[str, BeforeValidator(_identifier), Field(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
"""An id of the provider's: what may stand in a path as it is."""


def is_secret(schema: object) -> bool:
    """Whether nobody may read what a field with this JSON schema holds, or what is within it."""
    if isinstance(schema, dict):
        return schema.get("secret") is True or any(is_secret(part) for part in schema.values())
    return isinstance(schema, list) and any(is_secret(part) for part in schema)
