"""Bodies of HTTP answers: decompressed within a limit, and read as what they say they are."""

from __future__ import annotations

import base64
import codecs
import json
import re
import zlib
from collections.abc import AsyncIterator

from flowrun.domain.json import JsonValue
from flowrun.nodes.http_errors import UnreadableResponseError

ACCEPT_ENCODING = "gzip, deflate"
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_WHOLE = range(-(2**63), 2**64)
_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-www-form-urlencoded")


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> tuple[bytes, bool]:
    """Read and decompress a body; gives at most `limit` bytes, and whether there were more.

    A compressed body is never expanded beyond the limit, however small it came.
    Raises `UnreadableResponseError` for an unknown encoding and for damaged data.
    """
    names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in {"", "identity"}]
    unknown = [name for name in names if name not in {"gzip", "x-gzip", "deflate"}]
    if unknown or len(names) > 1:
        raise UnreadableResponseError(f"the answer has the content encoding {encoding[:100]!r}, which is not supported")
    inflater = Inflater(names[0]) if names else None
    body = bytearray()
    async for chunk in chunks:
        # One byte more than the limit tells that there is more.
        body += chunk if inflater is None else inflater.feed(chunk, limit + 1 - len(body))
        if len(body) > limit:
            return bytes(body[:limit]), True
    if inflater is not None:
        inflater.finish()
    return bytes(body), False


class Inflater:
    """Decompresses gzip and deflate piece by piece."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._began = False

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decompress, to at most `limit` bytes; what is beyond is lost."""
        out = bytearray()
        while data and len(out) < limit:
            if self._stream.eof:
                # A gzip file may be several put end to end.
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                out += self._inflate(data, limit - len(out))
            except zlib.error:
                raise UnreadableResponseError(f"the answer is no valid {self._encoding}") from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return bytes(out)

    def finish(self) -> None:
        """Check that nothing is missing at the end."""
        if self._began and not self._stream.eof:
            raise UnreadableResponseError(f"the answer's {self._encoding} data ends too early")

    def _inflate(self, data: bytes, limit: int) -> bytes:
        first, self._began = not self._began, True
        try:
            return self._stream.decompress(data, limit)
        except zlib.error:
            if not first or self._encoding != "deflate":
                raise
            # Some servers send raw deflate data where the standard wants a zlib header.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._stream.decompress(data, limit)


def parse_body(body: bytes, content_type: str) -> JsonValue:
    """Make JSON of a body by its content type: JSON, a text, or else `{"base64": …}`; an empty body is null.

    Raises `UnreadableResponseError` for what says that it is JSON, and isn't.
    """
    if not body:
        return None
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if is_json(media_type):
        return _json(body.removeprefix(codecs.BOM_UTF8))
    if media_type.startswith(_TEXT_TYPES) or media_type.endswith("+xml"):
        return body.decode(_charset(parameters), errors="replace")
    return {"base64": base64.b64encode(body).decode()}


def excerpt(body: bytes, content_type: str, length: int) -> str:
    """Show the beginning of a body as text."""
    return body[: length * 4].decode(_charset(content_type.partition(";")[2]), errors="replace")[:length]


def is_json(media_type: str) -> bool:
    """Tell whether a media type (without parameters, in lower case) is JSON."""
    return media_type in {"application/json", "text/json"} or media_type.endswith("+json")


def read_json(text: bytes) -> JsonValue:
    """Read JSON in which no number of more than 64 bits loses digits. Raises `json.JSONDecodeError`."""
    import orjson  # noqa: PLC0415 - keeps the description of the nodes light

    value: JsonValue = orjson.loads(text)
    if _LONG_NUMBER.search(text):
        try:
            value = json.loads(text, parse_int=_whole_number)
        except RecursionError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
    return value


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            try:
                found = codecs.lookup(value.strip().strip("\"'"))
            except (LookupError, ValueError):
                break
            # Python also has codecs that are no character sets, such as zlib.
            return found.name if found._is_text_encoding else "utf-8"  # noqa: SLF001
    return "utf-8"


def _json(text: bytes) -> JsonValue:
    try:
        return read_json(text)
    except ValueError as error:
        raise UnreadableResponseError(f"the answer says that it is JSON, but is not: {error}") from None


def _whole_number(digits: str) -> int | str:
    """A number that fits in 64 bits; a longer one stays the text that it is, where orjson makes a fraction of it."""
    value = int(digits) if len(digits) <= 20 else None
    return digits if value is None or value not in _WHOLE else value
