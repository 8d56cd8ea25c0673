"""Takes the values of secrets out of what a node answered, in every spelling that an echo is likely to have."""

from __future__ import annotations

import base64
import html
import json
import re
import string
from collections.abc import Collection, Iterator
from dataclasses import replace

from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Awaiting, Called, Failed, Outcome, Respond

SCRUBBED = "***"
_SHORTEST = 4
"""Characters of a spelling that is looked for; a shorter one would be found everywhere."""
_BEGINNING = 8
"""Characters of a secret's beginning that are looked for at the end of a text."""
_NEVER_ESCAPED = frozenset(string.ascii_letters + string.digits + "-._~")
_BASE64 = "[A-Za-z0-9+/_-]"


class Scrubber:
    """Replaces some secrets by `***`."""

    def __init__(self, values: Collection[str]) -> None:
        # Where one secret, or one spelling, begins with another, the longer one has to be tried first.
        longest_first = sorted(set(values), key=len, reverse=True)
        patterns = [text for value in longest_first for text in sorted(set(_patterns(value)), key=len, reverse=True)]
        # Without any, an empty pattern would be found everywhere.
        self._pattern = re.compile("|".join(dict.fromkeys(patterns)) or r"(?!)")
        self._values = tuple(value for value in values if len(value) > _BEGINNING)

    def outcome(self, outcome: Outcome) -> Outcome:
        """What a node answered, without the secrets."""
        if isinstance(outcome, Failed):
            return replace(
                outcome,
                type=self.text(outcome.type),
                message=self.text(outcome.message),
                details=self.value(outcome.details),
            )
        if isinstance(outcome, Respond):
            headers = {name: self.text(value) for name, value in outcome.headers.items()}
            return replace(outcome, output=self.value(outcome.output), headers=headers, body=self.value(outcome.body))
        if isinstance(outcome, Called):
            return replace(outcome, input=self.value(outcome.input))
        if isinstance(outcome, Awaiting):
            form = self.value(outcome.form)
            return replace(outcome, form=form if isinstance(form, dict) else None)
        return replace(outcome, output=self.value(outcome.output))

    def text(self, text: str) -> str:
        """A text without the secrets, also without one that the text's end cuts off (an excerpt)."""
        text = self._pattern.sub(SCRUBBED, text)
        for value in self._values:
            at = text.rfind(value[:_BEGINNING])
            if at >= 0 and value.startswith(text[at:].rstrip(".…")):
                text = text[:at] + SCRUBBED
        return text

    def value(self, value: JsonValue) -> JsonValue:
        """A JSON value without the secrets, in its keys and numbers too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and self._pattern.search(str(value)):
            return SCRUBBED
        return value


def _patterns(value: str) -> Iterator[str]:
    """Regular expressions that find a secret: as it is, escaped for JSON, Python, URLs and HTML, in hex and base64."""
    data = value.encode()
    in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    spellings = {
        value,
        value.strip(),
        *in_json,
        *(json.dumps(text)[1:-1] for text in in_json),
        *(text.replace("/", "\\/") for text in in_json),
        repr(value)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        data.hex(),
        data.hex().upper(),
    }
    if _NEVER_ESCAPED.issuperset(value):
        spellings.add(value.lower())  # As a client writes it that found it in a host name.
    yield from (re.escape(text) for text in spellings if len(text) >= _SHORTEST)
    if len(value) >= _SHORTEST:
        yield "".join(_in_url(character) for character in value)
    for offset in range(3):
        yield from _base64_patterns(data, offset)


def _in_url(character: str) -> str:
    """A character as it may stand in a URL: which ones have to be escaped differs between clients and parts of it."""
    if character in _NEVER_ESCAPED:
        return re.escape(character)
    escaped = "".join(f"%(?i:{byte:02x})" for byte in character.encode())
    return f"(?:{re.escape(character)}|{escaped}{'|[+]' if character == ' ' else ''})"


def _base64_patterns(data: bytes, offset: int) -> Iterator[str]:
    """The secret within a longer text in base64, `offset` bytes into a group of three, such as `user:secret`."""
    encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
    bits = (offset + len(data)) * 8
    start, end = -(-offset * 8 // 6), bits // 6
    if end - start < _SHORTEST:
        return
    # The characters at both ends hold bits of the neighbours too, so that they can be any.
    before = f"{_BASE64}?" if offset else ""
    after = f"{_BASE64}?={{0,2}}" if bits % 6 else ""
    for text in {encoded[start:end], encoded[start:end].replace("+", "-").replace("/", "_")}:
        yield before + re.escape(text) + after
