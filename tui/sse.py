"""A parser of server-sent events: bytes as they come in, whole events out."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_WHOLE = re.compile(r"(?:id: (.*)\n)?event: (.+)\ndata: (.+)\n\n")
"""An event as our service writes it: in a flood, taking it line by line costs several times as much."""
_LINE_END = re.compile(r"\r\n|\n|\r")
MOST_CHARACTERS = 16 * 1024 * 1024
"""Of one event. A stream that goes on beyond it is no stream of ours."""


class StreamBrokenError(Exception):
    """The stream cannot be read any further."""


class ServerEvent(NamedTuple):
    """One event; `id` is the last id that was sent up to it."""

    name: str
    data: str
    id: str | None = None


class SseParser:
    """Holds what has come of the event that isn't whole yet."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._id: str | None = None
        self.retry: float | None = None
        """Seconds that the server wants to pass before the next attempt."""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes; gives the events that they complete. Raises `StreamBrokenError`."""
        text = self._rest + self._decode.decode(chunk)
        if self._first and text:
            text, self._first = text.removeprefix("\ufeff"), False
        held = ""
        if text.endswith("\r"):  # Its line feed may be in the next chunk.
            text, held = text[:-1], "\r"
        found, text = self._whole(text)
        lines = _LINE_END.split(text) if "\r" in text else text.split("\n")
        self._rest = lines.pop() + held
        if self._size + len(self._rest) > MOST_CHARACTERS:
            raise StreamBrokenError("an event of the stream is too long")
        for line in lines:
            event = self._line(line)
            if event is not None:
                found.append(event)
        return found

    def _whole(self, text: str) -> tuple[list[ServerEvent], str]:
        """The events that the text begins with, as far as they are plain ones, and what follows them."""
        found: list[ServerEvent] = []
        if self._name or self._data or "\r" in text or "\0" in text:
            return found, text
        begin = 0
        while (plain := _WHOLE.match(text, begin)) is not None:
            event_id, name, data = plain.groups()
            self._id = self._id if event_id is None else event_id
            found.append(ServerEvent(name, data, self._id))
            begin = plain.end()
        return found, text[begin:]

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        if not data:
            return None
        return ServerEvent(name or "message", "\n".join(data), self._id)
