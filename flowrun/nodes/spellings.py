"""How a secret may be spelt in what somebody answers who was sent it, and where a text holds it.

Whatever the secret and the text, looking takes a time that grows with their length and no faster: both come from
outside, and the event loop waits for it. So there is no regular expression over a secret's characters here.
"""

from __future__ import annotations

import base64
import html
import json
import re
import string
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

SHORTEST = 4
"""Characters of a spelling that is looked for; a shorter one would be found everywhere."""
_BEGINNING = 8
"""Characters of a spelling's beginning that are looked for at the end of a text."""
_IN_HOST_NAMES = frozenset(string.ascii_letters + string.digits + "-._~")
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/_-")
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_CUT_ESCAPE = re.compile(rb"%[0-9A-Fa-f]?$")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text that gives a secret away."""

    text: str
    before: bool = False
    """The character of base64 before it holds some of it too."""
    after: bool = False
    """The one behind it does."""

    @property
    def beginning(self) -> str:
        """What of it is in a text that holds it, or that ends in it."""
        return self.text[:_BEGINNING]

    def spans(self, text: str) -> Iterator[Span]:
        """Where a text holds it."""
        start = text.find(self.text)
        while start >= 0:
            end = start + len(self.text)
            yield start - (self.before and text[start - 1 : start] in _BASE64), self._end(text, end)
            start = text.find(self.text, end)

    def _end(self, text: str, end: int) -> int:
        if not self.after:
            return end
        end += text[end : end + 1] in _BASE64
        return end + len(text[end : end + 2]) - len(text[end : end + 2].lstrip("="))

    def cut_off(self, text: str) -> int | None:
        """Where it begins, if the end of the text (an excerpt) cuts it off."""
        if len(self.text) <= _BEGINNING:
            return None
        at = text.rfind(self.beginning, max(0, len(text) - len(self.text) - len("...")))
        return at if at >= 0 and self.text.startswith(text[at:].rstrip(".…")) else None


def spellings(value: str) -> set[Spelling]:
    """As it is, as a server reads it that takes it for Latin-1, and escaped for JSON, Python and HTML, hex, base64."""
    data = value.encode()
    in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    plain = {
        value,
        value.strip(),
        data.decode("latin-1"),
        *in_json,
        *(json.dumps(text)[1:-1] for text in in_json),
        *(text.replace("/", "\\/") for text in in_json),
        repr(value)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        data.hex(),
        data.hex().upper(),
    }
    if _IN_HOST_NAMES.issuperset(value):
        plain.add(value.lower())  # As a client writes it that found it in a host name.
    found = {Spelling(text) for text in plain if len(text) >= SHORTEST}
    for offset in range(3):
        found.update(_in_base64(data, offset))
    return found


def _in_base64(data: bytes, offset: int) -> Iterator[Spelling]:
    """The secret within a longer text in base64, `offset` bytes into a group of three, such as `user:secret`."""
    encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
    bits = (offset + len(data)) * 8
    start, end = -(-offset * 8 // 6), bits // 6
    if end - start >= SHORTEST:
        # The characters at both ends hold bits of the neighbours too, so that they can be any.
        for text in {encoded[start:end], encoded[start:end].replace("+", "-").replace("/", "_")}:
            yield Spelling(text, before=offset > 0, after=bits % 6 > 0)


class Unescaped:
    """A text as it is with the escapes of URLs undone: which characters have to be escaped differs between clients."""

    def __init__(self, text: str) -> None:
        self._data = text.encode(errors="surrogatepass")
        self._plain = _as_query(unquote_to_bytes(self._data))
        escapes = [match.start() for match in _ESCAPE.finditer(self._data)]
        self._escapes = [start - 2 * number for number, start in enumerate(escapes)]
        """Where they stood, counted in what is left."""

    def spans(self, value: str) -> Iterator[Span]:
        """Where the text holds a secret, in bytes."""
        wanted = _as_query(value.encode())
        start = self._plain.find(wanted) if len(value) >= SHORTEST else -1
        while start >= 0:
            end = start + len(wanted)
            yield self._written_at(start), self._written_at(end)
            start = self._plain.find(wanted, end)

    def cut_off(self, value: str) -> Span | None:
        """Where a secret begins that the end of the text cuts off, up to that end, in bytes."""
        wanted = _as_query(value.encode())
        if len(wanted) <= _BEGINNING:
            return None
        at = self._plain.rfind(wanted[:_BEGINNING], max(0, len(self._plain) - len(wanted) - len("...…")))
        tail = _CUT_ESCAPE.sub(b"", self._plain[at:].rstrip(b".").removesuffix("…".encode()))
        return (self._written_at(at), len(self._data)) if at >= 0 and wanted.startswith(tail) else None

    def replaced(self, spans: list[Span], by: str) -> str:
        """The text with something else in these places."""
        return replaced(self._data.decode("latin-1"), spans, by).encode("latin-1").decode(errors="surrogatepass")

    def _written_at(self, place: int) -> int:
        return place + 2 * bisect_left(self._escapes, place)


def _as_query(data: bytes) -> bytes:
    return data.replace(b"+", b" ")


def replaced(text: str, spans: list[Span], by: str) -> str:
    """The text with something else in these places, of which some may overlap."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done:
            parts += [text[done:start], by]
        done = max(done, end)
    return "".join([*parts, text[done:]])
