"""Functions that encode, decode and hash."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import uuid
from typing import cast
from urllib.parse import quote, unquote, urlencode

from flowrun.domain.expression.budget import MAX_DEPTH, Frame
from flowrun.domain.expression.errors import ExpressionError
from flowrun.domain.expression.operators import number
from flowrun.domain.expression.sizes import to_json, to_text
from flowrun.domain.expression.table import Group
from flowrun.domain.expression.values import JsonValue

GROUP = Group("Encoding")

_NAMESPACES = {"dns": uuid.NAMESPACE_DNS, "url": uuid.NAMESPACE_URL, "oid": uuid.NAMESPACE_OID}
_ALGORITHMS = frozenset({"md5", "sha1", "sha256", "sha512"})
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


@GROUP.function("json", 'json({"a": [1, null]}) → "{\\"a\\":[1,null]}"')
def write_json(frame: Frame, value: JsonValue) -> str:
    """A value as compact JSON text."""
    return to_json(frame, value)


@GROUP.function("parse_json", 'parse_json("[1, 2]") → [1, 2]')
def parse_json(frame: Frame, text: str) -> JsonValue:
    """The value that a JSON text holds."""
    # No value can be there without one of these before or after it.
    frame.charge_text(text, 2)
    frame.charge(text.count(",") + text.count("[") + 3 * text.count("{") + 2 * text.count(":") + 10)
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_fraction, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        raise ExpressionError(f"this text is not JSON: {reason}") from None
    _check_depth(value)
    if _HALF_CHARACTER.search(text):
        _check_characters(frame, value)
    return cast("JsonValue", value)


def _whole(digits: str) -> JsonValue:
    if len(digits) > 20:
        raise ExpressionError("integer overflow: a number in this JSON does not fit into 64 bits")
    return number(int(digits))


def _fraction(digits: str) -> JsonValue:
    return number(float(digits))


def _refuse_constant(name: str) -> JsonValue:
    raise ExpressionError(f"this text is not JSON: {name} is no number")


def _check_depth(value: JsonValue) -> None:
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, list):
                below.extend(item)
            elif isinstance(item, dict):
                below.extend(item.values())
        if not below:
            return
        level = below
    raise ExpressionError(f"this JSON is nested more than {MAX_DEPTH} levels deep")


def _check_characters(frame: Frame, value: JsonValue) -> None:
    try:
        to_json(frame, value).encode()
    except UnicodeEncodeError:
        raise ExpressionError("this JSON holds half a character (a lone surrogate)") from None


@GROUP.function("base64", 'base64("hi") → "aGk="')
def to_base64(frame: Frame, text: str, url: bool = False) -> str:
    """The UTF-8 bytes of text in base64, for URLs if so asked."""
    frame.charge_text(text, 4)
    data = text.encode()
    return (base64.urlsafe_b64encode(data) if url else base64.b64encode(data)).decode("ascii")


@GROUP.function("unbase64", 'unbase64("aGk=") → "hi"')
def from_base64(frame: Frame, text: str) -> str:
    """The text whose UTF-8 bytes this base64 holds, in either alphabet, padded or not."""
    frame.charge_text(text, 5)
    try:
        data = text.strip().translate({45: 43, 95: 47}).rstrip("=").encode("ascii")
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ExpressionError("this is not the base64 of text") from None


@GROUP.function("url_encode", 'url_encode("a b&c") → "a%20b%26c"')
def url_encode(frame: Frame, value: str | dict[str, JsonValue]) -> str:
    """Text as part of a URL; an object as a query string."""
    if isinstance(value, dict):
        pairs: list[tuple[str, str]] = []
        for key, element in value.items():
            pair = (key, to_text(frame, element))
            frame.charge(20 + sum(len(part) * (1 if part.isascii() else 4) for part in pair))
            pairs.append(pair)
        return urlencode(pairs)
    frame.charge(len(value) * (1 if value.isascii() else 4) + 4)
    return quote(value, safe="")


@GROUP.function("url_decode", 'url_decode("a%20b%26c") → "a b&c"')
def url_decode(frame: Frame, text: str) -> str:
    """The text that was encoded as part of a URL."""
    frame.charge_text(text, 4)
    frame.charge(6 * text.count("%"))
    return unquote(text)


@GROUP.function("hash", 'hash("a", "md5") → "0cc175b9c0f1b6a831c399e269772661"')
def digest(frame: Frame, text: str, algorithm: str = "sha256") -> str:
    """The hash of text in hexadecimal: md5, sha1, sha256 or sha512."""
    return hashlib.new(_algorithm(algorithm), _bytes(frame, text), usedforsecurity=False).hexdigest()


@GROUP.function("md5", 'md5("a") → "0cc175b9c0f1b6a831c399e269772661"')
def md5(frame: Frame, text: str) -> str:
    """The MD5 hash of text in hexadecimal."""
    return digest(frame, text, "md5")


@GROUP.function("sha1", 'sha1("a") → "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"')
def sha1(frame: Frame, text: str) -> str:
    """The SHA-1 hash of text in hexadecimal."""
    return digest(frame, text, "sha1")


@GROUP.function("sha256", 'sha256("a")[:16] → "ca978112ca1bbdca"')
def sha256(frame: Frame, text: str) -> str:
    """The SHA-256 hash of text in hexadecimal."""
    return digest(frame, text, "sha256")


@GROUP.function("hmac_sha256", 'hmac_sha256("key", "text")[:16] → "6afa9046a9579cad"')
def hmac_sha256(frame: Frame, key: str, text: str) -> str:
    """The HMAC-SHA-256 of text with a key, in hexadecimal."""
    return hmac.new(_bytes(frame, key), _bytes(frame, text), hashlib.sha256).hexdigest()


@GROUP.function("uuid5", 'uuid5("dns", "python.org") → "886313e1-3b8a-5372-9b90-0c9aee199e5d"')
def uuid5(frame: Frame, namespace: str, name: str) -> str:
    """The UUID of a name in a namespace (dns, url, oid or a UUID): always the same for the same."""
    frame.charge_text(name, 4)
    frame.charge(20)
    space = _NAMESPACES.get(namespace)
    if space is None:
        try:
            space = uuid.UUID(namespace[:64])
        except ValueError:
            raise ExpressionError("a namespace is dns, url, oid or a UUID") from None
    return str(uuid.uuid5(space, name))


def _bytes(frame: Frame, text: str) -> bytes:
    # Hashing takes some 100 ns for 64 bytes, besides the copy in UTF-8.
    frame.charge_text(text, 3)
    frame.charge(20)
    return text.encode()


def _algorithm(name: str) -> str:
    if name not in _ALGORITHMS:
        raise ExpressionError(f"the hash must be one of {', '.join(sorted(_ALGORITHMS))}")
    return name
