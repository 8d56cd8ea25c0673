"""The body of a request to a webhook as JSON, whatever it was sent as."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from flowrun.api.body import charset, check_encoding, is_json, media_type, parse_json
from flowrun.api.multipart import multipart_fields
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue, MalformedError

_MOST_FIELDS = 10_000


def payload(raw: bytes, headers: Mapping[str, str]) -> JsonValue:
    """The body as JSON: JSON and forms as what they hold, text as a string, anything else as `{"base64": …}`.

    Raises `MalformedError`, `InvalidInputError`, `UnsupportedMediaTypeError` for a compressed one.
    """
    check_encoding(headers)
    kind = media_type(headers)
    if is_json(kind) or not kind:
        return _maybe_json(raw) if not kind else parse_json(raw)
    if kind == "application/x-www-form-urlencoded":
        return form_fields(raw, "form", charset(headers))
    if kind == "multipart/form-data":
        return multipart_fields(raw, headers["content-type"])
    if kind.startswith("text/") or kind == "application/xml":
        text = _text(raw, charset(headers))
        if text is not None:
            return text
    return {"base64": base64.b64encode(raw).decode()}


def _maybe_json(raw: bytes) -> JsonValue:
    """A body of unknown type: JSON if it is, else text, else bytes."""
    try:
        return parse_json(raw)
    except MalformedError:
        text = _text(raw)
        return text if text is not None else {"base64": base64.b64encode(raw).decode()}


def _text(raw: bytes, encoding: str = "utf-8") -> str | None:
    """The text of bytes; None for those that are none in this encoding, and for what databases refuse in a text."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def form_fields(raw: bytes, noun: str, encoding: str = "utf-8") -> JsonObject:
    """Names and values; a name that is given several times has a list."""
    if not raw:
        return {}
    try:
        text = raw.decode(encoding, errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True, encoding=encoding, max_num_fields=_MOST_FIELDS)
    except ValueError:
        message = f"has more than {_MOST_FIELDS:,} fields"
        raise InvalidInputError(f"The {noun} {message}", [Issue(noun, message)]) from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise MalformedError(f"The {noun} has the character U+0000")
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
