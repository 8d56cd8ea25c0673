"""Node runs over time: a bar for each attempt, `✖↻✖` where one failed, an arrow where one still goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tui.render.canvas import Line, Row
from tui.render.charset import DOWN, UNICODE, UP, Charset
from tui.render.states import NodeState, fold, glyph, moment, state_role
from tui.render.text import cells, clip, count, duration, fit, safe
from tui.render.window import Window, full_window

__all__ = ["TimelineRow", "Window", "axis", "full_window", "label_width_of", "timeline"]

_FAILED = frozenset({"failed", "timed_out", "interrupted"})
DURATION = 8
WIDE = 44
"""Columns from which on there is room for durations too."""
TICKS = 14
"""Columns from one time on the axis to the next, at least."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One node's line; all its iterations are drawn in it."""

    node_id: str
    row: Row


def timeline(
    runs: Sequence[Mapping[str, Any]],
    width: int,
    now: datetime,
    window: Window | None = None,
    charset: Charset = UNICODE,
    label_width: int | None = None,
    selected: str | None = None,
) -> list[TimelineRow]:
    """A line of `width` cells for each node that has begun, in the order in which they did.

    `runs` are documents of node runs. Without a window the whole execution is shown.
    """
    shown = window or full_window(runs, now)
    states = fold(runs, now)
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        if _begin(run) is not None:
            by_node.setdefault(str(run.get("node_id")), []).append(run)
    names = sorted(by_node, key=lambda node: min(filter(None, map(_begin, by_node[node]))))
    label = (
        label_width
        if label_width is not None
        else label_width_of(Counter(str(run.get("node_id")) for run in runs), width)
    )
    rows = []
    for node in names:
        row = _Bars(width, label, shown, now, charset, marked=node == selected).draw(node, by_node[node], states[node])
        rows.append(TimelineRow(node, row))
    return rows


def label_width_of(times: Mapping[str, int], width: int) -> int:
    """The columns that names take with how often each node ran: as many as they need, but not over a third."""
    longest = max((cells(safe(node)) + (len(count(n)) + 2 if n > 1 else 0) for node, n in times.items()), default=0)
    return max(1, min(longest, width // 3))


def axis(window: Window, width: int, charset: Charset, label_width: int) -> Row:
    """The times above the bars, from the begin of the window on."""
    line = Line(0, width)
    left, right = _sides(width, label_width)
    room = right - left
    if room > 0:
        step = _step(window.seconds * TICKS / room)
        at = 0.0
        while at <= window.seconds:
            x = left + int(at * room / window.seconds)
            text = charset.arms[UP | DOWN] + _tick(at)
            if x + cells(text) <= right:
                line.write(x, text, "axis")
            at += step
    return line.row()


def _tick(seconds: float) -> str:
    """A time on the axis in the units that it is a whole number of: `0`, `200ms`, `5s`, `1m30s`, `2h`, `1d12h`."""
    if 0 < seconds < 1:
        return f"{round(seconds * 1000)}ms"
    rest, parts = round(seconds), []
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        amount, rest = divmod(rest, length)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0"


def _step(least: float) -> float:
    scale = 0.001
    while scale < 1:
        for factor in (1, 2, 5):
            if scale * factor >= least:
                return scale * factor
        scale *= 10
    return next((step for step in _STEPS if step >= least), -(-least // 86_400) * 86_400)


def _sides(width: int, label_width: int) -> tuple[int, int]:
    """The columns between which bars are drawn: after the sign and the name, before the duration."""
    return label_width + 3, width - (DURATION if width >= WIDE else 0)


def _begin(run: Mapping[str, Any]) -> datetime | None:
    return moment(run.get("queued_at")) or moment(run.get("started_at")) or moment(run.get("finished_at"))


class _Bars:
    """One line of a timeline."""

    def __init__(
        self, width: int, label: int, window: Window, now: datetime, charset: Charset, *, marked: bool
    ) -> None:
        self._line = Line(0, width)
        self._label, self._window, self._now, self._charset, self._marked = label, window, now, charset, marked
        self._left, self._right = _sides(width, label)
        self._room = max(self._right - self._left, 0)
        self._width = width

    def draw(self, node: str, runs: list[Mapping[str, Any]], state: NodeState) -> Row:
        """The whole line."""
        for run in runs:
            self._wait(run)
        for run in runs:
            self._run(run)
        line, marked = self._line, self._marked
        line.put(0, glyph(state.status, self._charset), state_role(state.status), marked=marked)
        line.put(1, " ", "name", marked=marked)
        times = f" {self._charset.loop}{count(len(runs))}" if len(runs) > 1 else ""
        name = clip(safe(node, self._charset), self._label - cells(times), self._charset)
        end = line.write(2, name, "name", marked=marked)
        end = line.write(end, times, "detail", marked=marked)
        line.write(end, " " * (self._label + 2 - end), "name", marked=marked)
        if self._right < self._width and state.duration is not None:
            line.write(self._right, fit(duration(state.duration), DURATION, "right", self._charset), "detail")
        return line.row()

    def _wait(self, run: Mapping[str, Any]) -> None:
        """Show how long a run stood in the queue."""
        attempts = _attempts(run)
        queued, begun = moment(attempts[0].get("queued_at")), moment(attempts[0].get("started_at"))
        if queued is not None and begun is not None and begun > queued:
            self._fill(self._at(queued), self._at(begun) - 1, self._charset.dot, "bar.rest")

    def _run(self, run: Mapping[str, Any]) -> None:
        free = -1
        for number, attempt in enumerate(_attempts(run)):
            begun = moment(attempt.get("started_at"))
            if number:
                queued = moment(attempt.get("queued_at"))
                free = self._pause(free, self._at(begun or queued or self._now) - 1)
            free = self._attempt(attempt, begun, free)
        if run.get("status") == "retrying":
            self._pause(free, self._end(self._now))

    def _pause(self, start: int, end: int) -> int:
        """Draw the wait for the next attempt; give the first column after it."""
        after = self._fill(start, end, self._charset.dot, "bar.rest")
        self._put(start, self._charset.glyphs["retrying"], "state.retrying")
        return after

    def _attempt(self, attempt: Mapping[str, Any], begun: datetime | None, free: int) -> int:
        """Draw one attempt; give the first column after it."""
        status = str(attempt.get("status"))
        ended = moment(attempt.get("finished_at"))
        if begun is None:
            queued = moment(attempt.get("queued_at"))
            start = max(free, self._at(queued or ended or self._now))
            return self._fill(start, self._end(ended or self._now), self._charset.dot, "bar.rest")
        start = max(free, self._at(begun))
        end = max(start, self._end(ended or self._now))
        bar = self._charset.half if status == "waiting" else self._charset.blocks[-2]
        self._fill(start, end, bar, state_role(status))
        if ended is None and status != "waiting":
            self._put(end, self._charset.ahead, state_role(status))
        elif status in _FAILED:
            self._put(end, self._charset.failed, state_role(status))
        return end + 1

    def _at(self, time: datetime) -> int:
        # What happens at the very end is seen in the last column.
        return self._window.cell(time, self._room) - (time == self._window.end)

    def _end(self, time: datetime) -> int:
        return self._window.last_cell(time, self._room)

    def _fill(self, start: int, end: int, char: str, role: str) -> int:
        """Fill columns from `start` to `end`, at least one; give the first one after them."""
        end = max(start, end)
        for x in range(max(start, 0), min(end, self._room - 1) + 1):
            self._put(x, char, role)
        return end + 1

    def _put(self, x: int, char: str, role: str) -> None:
        if 0 <= x < self._room:
            self._line.put(self._left + x, char, role)


def _attempts(run: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The attempts of a run; the run itself when there are none."""
    return [attempt for attempt in run.get("attempts") or () if isinstance(attempt, Mapping)] or [run]
