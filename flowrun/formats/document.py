"""A text of unknown origin to a JSON object, within the limits."""

from __future__ import annotations

from flowrun.domain.json import JsonObject
from flowrun.errors import MalformedError, TooLargeError
from flowrun.formats.json_text import read_json
from flowrun.formats.limits import MAX_BYTES
from flowrun.formats.yaml_text import read_yaml


def read_document(text: bytes | str, *, media_type: str | None = None) -> JsonObject:
    """Parse JSON or YAML, as the media type says, else as the first character tells (`{` or `[` is JSON).

    Raises `MalformedError` with line and column, or `TooLargeError`: 1 MiB, 64 levels, 100,000 values.
    """
    source = _decode(text)
    value = read_json(source) if _is_json(source, media_type) else read_yaml(source)
    if not isinstance(value, dict):
        raise MalformedError("The document must be an object (a mapping of keys to values).")
    return value


def _decode(text: bytes | str) -> str:
    if len(text) > MAX_BYTES:
        raise TooLargeError(f"The document is larger than {MAX_BYTES // 1024} KiB.")
    try:
        encoded = text.encode() if isinstance(text, str) else text
        source = encoded.decode("utf-8-sig")
    except UnicodeError:
        raise MalformedError("The document is not UTF-8 text.") from None
    if len(encoded) > MAX_BYTES:
        raise TooLargeError(f"The document is larger than {MAX_BYTES // 1024} KiB.")
    return source


def _is_json(source: str, media_type: str | None) -> bool:
    subtype = (media_type or "").partition(";")[0].strip().lower().rpartition("/")[2]
    if subtype == "json" or subtype.endswith("+json"):
        return True
    if subtype in {"yaml", "x-yaml"} or subtype.endswith("+yaml"):
        return False
    return source.lstrip()[:1] in {"{", "["}
