"""Bodies of HTTP requests: JSON, forms, texts, multipart forms with files, and bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import urlencode

import orjson

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.http_body import is_json
from flowrun.nodes.http_errors import InvalidRequestError

_FORM = "application/x-www-form-urlencoded"
_FILE_KEYS = frozenset({"filename", "content_type", "text", "base64"})


def encode_body(body: JsonValue, kind: str | None, headers: dict[str, str]) -> bytes:
    """Encode a body as its kind says, or else by what it is; tells the content type unless the user did.

    Raises `InvalidRequestError` for a body that can't be sent as that kind.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body is None and kind != "json":
        return b""
    if kind is None:
        kind = _kind_of(body, media_type)
    if kind == "text":
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return (body if isinstance(body, str) else text_of(body)).encode()
    if kind == "form":
        headers.setdefault("content-type", _FORM)
        return urlencode(pairs(_object(body, "a form"))).encode()
    if kind == "multipart":
        boundary, content = _multipart(_object(body, "a multipart form"))
        headers["content-type"] = f"multipart/form-data; boundary={boundary}"
        return content
    if kind == "binary":
        headers.setdefault("content-type", "application/octet-stream")
        return _bytes(body.get("base64") if isinstance(body, dict) else body, "`body`")
    if not is_json(media_type):
        headers.setdefault("content-type", "application/json")
    return orjson.dumps(body)


def pairs(fields: JsonObject) -> list[tuple[str, str]]:
    """Return names and texts, as a query or a form has them: a list repeats its name, null is left out."""
    return [
        (name, text_of(part))
        for name, value in fields.items()
        for part in (value if isinstance(value, list) else [value])
        if part is not None
    ]


def text_of(value: JsonValue) -> str:
    """Return a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _kind_of(body: JsonValue, media_type: str) -> str:
    if isinstance(body, str):
        return "text"
    return "form" if isinstance(body, dict) and media_type == _FORM else "json"


def _multipart(fields: JsonObject) -> tuple[str, bytes]:
    """Encode a multipart form; the same one has the same boundary in every attempt."""
    parts = [
        _part(name, value)
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    ]
    whole = b"".join(parts)
    boundary = hashlib.sha256(whole).hexdigest()[:40]
    while boundary.encode() in whole:
        boundary = hashlib.sha256(boundary.encode()).hexdigest()[:40]
    mark = f"--{boundary}".encode()
    return boundary, b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _part(name: str, value: JsonValue) -> bytes:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if not isinstance(value, dict):
        return f"{head}\r\n\r\n{text_of(value)}".encode()
    unknown = next((key for key in value if key not in _FILE_KEYS), None)
    if unknown is not None or ("text" in value) == ("base64" in value):
        raise InvalidRequestError(
            f"the file {name!r} has to have `text` or `base64`, and may have `filename` and `content_type`"
        )
    filename, media_type = value.get("filename", name), value.get("content_type")
    if media_type is None:
        media_type = "text/plain; charset=utf-8" if "text" in value else "application/octet-stream"
    if not isinstance(media_type, str) or not media_type.isascii() or not media_type.isprintable():
        raise InvalidRequestError(f"the file {name!r} has a `content_type` that is none")
    lines = f'{head}; filename="{_quoted(text_of(filename))}"\r\nContent-Type: {media_type}\r\n\r\n'
    content = text_of(value["text"]).encode() if "text" in value else _bytes(value["base64"], f"the file {name!r}")
    return lines.encode() + content


def _quoted(text: str) -> str:
    """Write a name as browsers do."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _bytes(value: JsonValue, place: str) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InvalidRequestError(f"{place} has to have its bytes as base64")


def _object(body: JsonValue, what: str) -> JsonObject:
    if not isinstance(body, dict):
        raise InvalidRequestError(f"`body` must be an object to be sent as {what}")
    return body
