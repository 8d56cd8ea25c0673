"""Reads the body of a request: bounded in size, in time, and in what JSON it may hold."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive

from flowrun.api.problems import RequestTimeoutError, UnsupportedMediaTypeError
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue, MalformedError, TooLargeError
from flowrun.formats import read_document

MAX_BYTES = 1024 * 1024
MAX_SECONDS = 10.0
"""For the whole body: nobody may let it trickle."""
MAX_DEPTH = 64
MAX_VALUES = 100_000
_INTEGERS = range(-(2**63), 2**63)
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_CHARSET = re.compile(r";\s*charset=\"?([\w.:-]{1,40})", re.IGNORECASE)
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""Codecs of Python that no mail or page is written in, two of which take time that grows with the square."""
_YAML = frozenset({"application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"})


class DisconnectedError(MalformedError):
    """The client went away before it had sent everything."""


async def read_body(receive: Receive, *, limit: int = MAX_BYTES, seconds: float = MAX_SECONDS) -> bytes:
    """The whole body.

    Raises `TooLargeError` as soon as it has more than `limit` bytes, `RequestTimeoutError` after `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
            body: bytes = message.get("body", b"")
            if not message.get("more_body", False):
                return _checked(message["type"], body, limit)
            chunks, size = [body], len(body)
            while message.get("more_body", False) and size <= limit:
                message = await receive()
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
            return _checked(message["type"], b"".join(chunks), limit)
    except TimeoutError:
        raise RequestTimeoutError(f"The body did not arrive within {seconds:g} s") from None


def _checked(kind: str, body: bytes, limit: int) -> bytes:
    if kind == "http.disconnect":
        raise DisconnectedError
    if len(body) > limit:
        raise TooLargeError(f"The body has more than {limit:,} bytes")
    return body


def media_type(headers: Mapping[str, str]) -> str:
    """The content type without its parameters, in lower case; empty when none was sent."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(headers: Mapping[str, str]) -> str:
    """The character set of a body that is no JSON, as a codec's name; UTF-8 when none that is known is named."""
    named = _CHARSET.search(headers.get("content-type", ""))
    if named is None:
        return "utf-8"
    try:
        name = codecs.lookup(named[1]).name
        # A codec that isn't one of texts, such as `hex`, refuses to decode; of no bytes at all it isn't asked.
        bytes(4).decode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name in _NO_CHARSETS else name


def check_encoding(headers: Mapping[str, str]) -> None:
    """Refuse a compressed body: its size is not known before it is unpacked."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMediaTypeError(
            f"Bodies with the content encoding {encoding!r} are not accepted; send it plain"
        )


def is_json(kind: str) -> bool:
    """Whether a media type is JSON."""
    return kind == "application/json" or kind.endswith("+json")


def json_object(body: bytes, headers: Mapping[str, str]) -> JsonObject:
    """The object of a JSON body; an empty body is an empty object.

    Raises `UnsupportedMediaTypeError`, `MalformedError`, and `InvalidInputError` for what cannot be kept.
    """
    check_encoding(headers)
    kind = media_type(headers)
    if not body:
        return {}
    if kind and not is_json(kind):
        raise UnsupportedMediaTypeError(f"The content type {kind!r} is not accepted here; send application/json")
    value = parse_json(body)
    if not isinstance(value, dict):
        raise InvalidInputError("The body is not valid", [Issue("", "must be an object")])
    return value


def workflow_document(body: bytes, headers: Mapping[str, str]) -> JsonObject:
    """The workflow document of a body, JSON or YAML. Raises as `json_object`, and `TooLargeError`."""
    check_encoding(headers)
    kind = media_type(headers)
    if kind and not is_json(kind) and kind not in _YAML:
        raise UnsupportedMediaTypeError(
            f"The content type {kind!r} is not accepted here; send application/json or application/yaml"
        )
    return read_document(body, media_type=kind or None)


def parse_json(body: bytes) -> JsonValue:
    """The value of a JSON text, within the limits for payloads.

    Raises `MalformedError` for what is no JSON, `InvalidInputError` for what is deeper than 64 levels, has more
    than 100,000 values, an integer beyond 64 bits or the character U+0000.
    """
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(
            f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    # Counting bytes takes no time, and tells of nearly every body that it can't be over a limit.
    openings = body.count(b"[") + body.count(b"{")
    if openings > MAX_DEPTH or openings + body.count(b",") >= MAX_VALUES or b"\\u0000" in body:
        _measure(value)
    if _LONG_NUMBER.search(body):
        # orjson turns an integer that is too long into a float without a word.
        json.loads(body, parse_int=_integer, parse_float=_nothing)
    return value


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) <= 20 else None
    if value is None or value not in _INTEGERS:
        raise _refusal(f"has the integer {digits[:24]}…, which doesn't fit in 64 bits: send it as a text")
    return value


def _nothing(_digits: str) -> None:
    return None


def _measure(value: JsonValue) -> None:
    """Look at a value level by level, so that its depth is no matter of the stack."""
    level: list[Any] = [value]
    depth = values = 0
    while level:
        values += len(level)
        if values > MAX_VALUES:
            raise _refusal(f"has more than {MAX_VALUES:,} values")
        depth += any(isinstance(item, (dict, list)) for item in level)
        if depth > MAX_DEPTH:
            raise _refusal(f"is nested more than {MAX_DEPTH} levels deep")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                _no_nul(*item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _no_nul(item)
        level = below


def _no_nul(*texts: str) -> None:
    if any("\x00" in text for text in texts):
        raise _refusal("has the character U+0000, which databases refuse")


def _refusal(message: str) -> InvalidInputError:
    return InvalidInputError(f"The body {message}", [Issue("", message)])
