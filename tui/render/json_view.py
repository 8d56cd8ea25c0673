"""A JSON value as lines that can be folded; only those that are looked at are made."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from tui.render.canvas import Line, Row
from tui.render.charset import UNICODE, Charset
from tui.render.json_folds import Fold, Path, Spot, foldable, spot_at, walk
from tui.render.text import clip, count, safe

OPENED_AT_FIRST = 200
"""Containers that are open at the beginning, at most, and lines that one of them may have."""
_IDENTIFIER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class JsonView:
    """What is open in a value, and its lines. Control characters and markup in it are shown, never obeyed."""

    def __init__(self, value: Any, charset: Charset = UNICODE, open_depth: int = 2) -> None:  # noqa: ANN401 - any JSON
        self._value = value
        self._charset = charset
        self._root: Fold | None = Fold(value) if foldable(value) and open_depth > 0 else None
        if self._root is not None:
            self._open_below(self._root, open_depth - 1, OPENED_AT_FIRST, longest=OPENED_AT_FIRST)

    @property
    def height(self) -> int:
        """How many lines there are now."""
        return 1 if self._root is None else self._root.height

    def lines(self, start: int, number: int, width: int, found: str | None = None) -> list[Row]:
        """At most `number` lines from `start` on, each `width` cells; `found` is marked wherever it stands in them."""
        end = min(start + number, self.height)
        return [self._row(self._spot(line), width, found or "") for line in range(max(start, 0), end)]

    def toggle(self, line: int) -> bool:
        """Open or close the container in a line; False when there is none."""
        if not 0 <= line < self.height:
            return False
        spot = self._spot(line)
        if not foldable(spot.value):
            return False
        if not spot.path:
            self._root = None if self._root is not None else Fold(self._value)
        elif spot.open:
            self._fold(spot.path[:-1]).close(spot.path[-1])
        else:
            self._fold(spot.path)
        return True

    def open_all(self, limit: int = 100_000) -> None:
        """Open everything; beyond `limit` containers the rest stays closed."""
        if foldable(self._value):
            self._root = self._root or Fold(self._value)
            self._open_below(self._root, limit, limit, longest=None)

    def close_all(self) -> None:
        """Close all but the outermost container."""
        self._root = Fold(self._value) if foldable(self._value) else None

    def path(self, line: int) -> str:
        """Where the value of a line is, as an expression finds it: `history[3].text`; empty for the whole."""
        value, text = self._value, ""
        for place in self._spot(line).path:
            if isinstance(value, dict):
                key = next(key for number, key in enumerate(value) if number == place)
                plain = key and _IDENTIFIER.issuperset(key) and not key[0].isdigit() and "-" not in key
                text += (f".{key}" if text else key) if plain else f"[{json.dumps(key)}]"
                value = value[key]
            else:
                text += f"[{place}]"
                value = value[place]
        return text

    def value(self, line: int) -> Any:  # noqa: ANN401 - any JSON
        """The value of a line, with all that is in it."""
        return self._spot(line).value

    def find(self, text: str, start_line: int = -1, *, backwards: bool = False) -> int | None:
        """The next line after `start_line`, or the one before, with the text in a key or a value.

        None when there is none. Case is ignored. What hides the line is opened.
        """
        here = self._spot(start_line).path if 0 <= start_line < self.height else None
        wanted = text.casefold()
        best: Path | None = None
        for path, key, value in walk(self._value):
            if backwards and here is not None and path >= here:
                break
            if not backwards and here is not None and path <= here:
                continue
            if _matches(key, value, wanted):
                best = path
                if not backwards:
                    break
        return None if best is None else self._show(best)

    def _show(self, path: Path) -> int:
        """Open what is around a value; give its line."""
        if not path:
            return 0
        fold = self._fold(path[:-1])
        line = 1 + fold.line_of(path[-1])
        for place in reversed(path[:-1]):
            # A fold without a parent is the root, whose lines are the first.
            fold = fold.parent or fold
            line += 1 + fold.line_of(place)
        return line

    def _fold(self, path: Path) -> Fold:
        """The open container at a path, opened if it was not."""
        self._root = self._root or Fold(self._value)
        fold = self._root
        for place in path:
            fold = fold.unfold(place)
        return fold

    def _open_below(self, root: Fold, depth: int, limit: int, longest: int | None) -> None:
        pending = deque([(root, depth)])
        while pending:
            fold, left = pending.popleft()
            for place in range(len(fold.value) if left > 0 else 0):
                value = fold.item(place)[1]
                if foldable(value) and (longest is None or len(value) <= longest):
                    limit -= 1
                    if limit < 0:
                        return
                    pending.append((fold.unfold(place), left - 1))

    def _spot(self, line: int) -> Spot:
        if self._root is None:
            return Spot((), None, self._value, last=True)
        return spot_at(self._root, line)

    def _row(self, spot: Spot, width: int, found: str) -> Row:
        line = Line(0, width)
        x = 2 * len(spot.path)
        if foldable(spot.value) and not spot.closing:
            line.write(x, self._charset.unfolded if spot.open else self._charset.folded, "json.fold")
        x += 2
        if spot.key is not None and not spot.closing:
            x = self._write(line, x, self._quoted(spot.key, width), "json.key", found)
            x = line.write(x, ": ", "json.punctuation")
        text, role = self._shown(spot, width)
        x = self._write(line, x, text, role, found)
        if not spot.last and (spot.closing or not spot.open):
            x = line.write(x, ",", "json.punctuation")
        if x > width > 0:
            line.put(width - 1, self._charset.ellipsis, "hint")
        return line.row()

    def _shown(self, spot: Spot, width: int) -> tuple[str, str]:
        value = spot.value
        if isinstance(value, dict | list):
            first, last = "{}" if isinstance(value, dict) else "[]"
            if spot.open:
                return (last if spot.closing else first), "json.punctuation"
            return f"{first}{count(len(value)) if value else ''}{last}", "json.fold" if value else "json.punctuation"
        if isinstance(value, str):
            return self._quoted(value, width), "json.string"
        text = json.dumps(value)
        return text, "json.literal" if value is None or isinstance(value, bool) else "json.number"

    def _quoted(self, text: str, width: int) -> str:
        # Of a text of megabytes no more is looked at than fits.
        shown = safe(json.dumps(text[: width + 1], ensure_ascii=False), self._charset)
        return clip(shown, width + 1, self._charset) if len(text) > width else shown

    def _write(self, line: Line, x: int, text: str, role: str, found: str) -> int:
        wanted, lowered = found.casefold(), text.casefold()
        at = lowered.find(wanted) if wanted and len(lowered) == len(text) else -1
        start = 0
        while at >= 0:
            x = line.write(x, text[start:at], role)
            start = at + len(wanted)
            x = line.write(x, text[at:start], "json.found")
            at = lowered.find(wanted, start)
        return line.write(x, text[start:], role)


def _matches(key: str | None, value: Any, wanted: str) -> bool:  # noqa: ANN401 - any JSON
    if key is not None and wanted in key.casefold():
        return True
    if isinstance(value, dict | list):
        return False
    return wanted in (value if isinstance(value, str) else json.dumps(value)).casefold()
