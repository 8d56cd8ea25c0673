"""Reads `multipart/form-data`: fields as texts, files as base64, within the limits of any other body."""

from __future__ import annotations

import base64
import re
from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue, MalformedError

MOST_PARTS = 1_000
_LONGEST_HEAD = 8_192
_BOUNDARY = re.compile(r";\s*boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*(name|filename)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]+))", re.IGNORECASE)


def multipart_fields(raw: bytes, content_type: str) -> JsonObject:
    """The fields by name, a list where one is given several times; a file is `{filename, content_type, base64}`.

    Raises `MalformedError` for what is no such body, `InvalidInputError` for more than 1,000 parts.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise MalformedError("The content type multipart/form-data has no boundary")
    delimiter = b"\r\n--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    # What follows the last delimiter is no part, but the end.
    _, *parts = (b"\r\n" + raw).split(delimiter, MOST_PARTS + 2)
    if len(parts) > MOST_PARTS + 1:
        message = f"has more than {MOST_PARTS:,} parts"
        raise InvalidInputError(f"The form {message}", [Issue("form", message)])
    found: dict[str, Any] = {}
    for part in parts:
        if part.startswith(b"--"):
            return found
        name, value = _field(part)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    raise MalformedError("The multipart body ends before its last boundary")


def _field(part: bytes) -> tuple[str, JsonValue]:
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator or len(head) > _LONGEST_HEAD:
        raise MalformedError("A part of the multipart body has no headers, or too many")
    headers = dict(_header(line) for line in head.split(b"\r\n") if b":" in line)
    disposition = headers.get("content-disposition", "")
    if not disposition.lower().startswith("form-data"):
        raise MalformedError("A part of the multipart body is no form-data")
    given = {found[1].lower(): found[3] or _unquoted(found[2] or "") for found in _PARAMETER.finditer(disposition)}
    name, kind = given.get("name"), headers.get("content-type", "")
    if name is None:
        raise MalformedError("A part of the multipart body has no name")
    _no_nul(name)
    if "filename" in given:
        _no_nul(given["filename"] + kind)
        encoded = base64.b64encode(content).decode()
        return name, {"filename": given["filename"], "content_type": kind or None, "base64": encoded}
    return name, _text(content)


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode(errors="replace").partition(":")
    return name.strip().lower(), value.strip()


def _unquoted(text: str) -> str:
    r"""Browsers write a quote as `%22`, others as `\\"`."""
    return re.sub(r"\\(.)", r"\1", text).replace("%22", '"').replace("%0D%0A", "\n")


def _text(content: bytes) -> JsonValue:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
    _no_nul(text)
    return text


def _no_nul(text: str) -> None:
    if "\x00" in text:
        raise MalformedError("The form has the character U+0000")
