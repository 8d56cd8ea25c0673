"""From what `tui.render` draws to what a terminal shows: roles to styles, runs to texts and segments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from tui.render.canvas import Row
from tui.render.charset import Charset
from tui.render.progress import progress
from tui.render.states import glyph, state_role
from tui.render.text import clock, safe
from tui.theme import ACCENT, FAINT, MUTED, STATE_COLOURS, TEXT

_ROLES: dict[str, Style] = {
    "name": Style(color=TEXT),
    "name.dim": Style(color=MUTED),
    "detail": Style(color=MUTED),
    "edge": Style(color="#4a566e"),
    "edge.taken": Style(color="#9db0d3"),
    "edge.error": Style(color="#7a474d"),
    "edge.error.taken": Style(color="#ee7a7f"),
    "port": Style(color=MUTED, italic=True),
    "port.taken": Style(color=TEXT, italic=True),
    "port.error": Style(color="#c9686d", italic=True),
    "frame": Style(color="#3a455c"),
    "frame.running": Style(color=ACCENT),
    "space": Style(),
    "bar.rest": Style(color="#333c4f"),
    "axis": Style(color=FAINT),
    "hint": Style(color=MUTED, italic=True),
    "json.key": Style(color="#8fb8e8"),
    "json.string": Style(color="#a6c99a"),
    "json.number": Style(color="#e0b567"),
    "json.literal": Style(color="#b79bea"),
    "json.punctuation": Style(color="#66728a"),
    "json.fold": Style(color=ACCENT),
    "json.control": Style(color="#ee7a7f", bold=True),
    "json.found": Style(color="#11141b", bgcolor="#e0b567"),
}
_DONE_BAR = Style(color="#4b7355")
MARK = Style(bgcolor="#2f4a68", bold=True)
"""What is selected."""


@cache
def style(role: str) -> Style:
    """The style of a role."""
    found = _ROLES.get(role)
    if found is not None:
        return found
    if role.startswith("state."):
        return Style(color=STATE_COLOURS.get(role.removeprefix("state."), MUTED))
    return Style(color=TEXT)


def segments(row: Row) -> list[Segment]:
    """A drawn row for the Line API."""
    return [Segment(run.text, style(run.role) + MARK if run.marked else style(run.role)) for run in row]


def text_of(row: Row) -> Text:
    """A drawn row as a text."""
    found = Text(no_wrap=True, end="")
    for run in row:
        # A bar of what is done is large, and of no urgency: it is quieter than its glyph.
        bar = run.role == "state.completed" and not run.text.strip("█▇▒#= ")
        shown = _DONE_BAR if bar else style(run.role)
        found.append(run.text, shown + MARK if run.marked else shown)
    return found


def plain(text: object, charset: Charset, colour: str = TEXT, *, bold: bool = False) -> Text:
    """Somebody's text on one line; what a terminal would obey is made visible."""
    return Text(safe(str(text), charset), Style(color=colour, bold=bold), no_wrap=True, end="")


def state(status: str, charset: Charset, *, words: bool = False) -> Text:
    """The glyph of a state in its colour, with its name if wanted."""
    shown = glyph(status, charset)
    if words:
        shown = f"{shown} {status.replace('_', ' ')}"
    return Text(safe(shown, charset), style(state_role(status)), no_wrap=True, end="")


def progress_bar(summary: dict[str, Any], width: int, charset: Charset) -> Text:
    """How far an execution has come."""
    status = str(summary.get("status"))
    nodes = summary.get("nodes")
    if not isinstance(nodes, dict):
        counts = summary.get("progress")
        return text_of(progress(counts, width, charset, status=status)) if isinstance(counts, dict) else Text("")
    failed, running = int(nodes.get("failed") or 0), len(nodes.get("running") or ())
    counts = {
        "total": nodes.get("total", 0),
        "completed": int(nodes.get("done") or 0) - failed,
        "failed": failed,
        "running": running,
    }
    return text_of(progress(counts, width, charset, status=status, failed_node=nodes.get("failed_at")))


def short_id(execution: str) -> str:
    """The end of an id: a UUIDv7 begins with the time, which is the same for neighbours."""
    return execution[-6:]


def moment(at: object) -> datetime | None:
    """Read a time of the service."""
    try:
        return datetime.fromisoformat(str(at)) if at else None
    except ValueError:
        return None


def time_of_day(at: object, now: datetime) -> str:
    """The local time; of another day the date."""
    when = moment(at)
    if when is None:
        return ""
    local, today = when.astimezone(), now.astimezone()
    return local.strftime("%H:%M:%S") if local.date() == today.date() else local.strftime("%d %b")


def elapsed(begin: object, end: object, now: datetime) -> str:
    """How long something took, or takes so far."""
    started = moment(begin)
    if started is None:
        return ""
    finished = moment(end)
    seconds = max(0.0, ((finished or now) - started).total_seconds())
    if finished is not None and seconds < 10:
        return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"
    return clock(seconds)


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def doing(word: str, charset: Charset) -> Text:
    """A command that the service has not answered yet: `pausing…`."""
    return Text(word + ("..." if charset.name == "ascii" else "…"), style("state.waiting"))


def joined(parts: Iterable[Text], between: str = "  ") -> Text:
    """Texts in one line."""
    return Text(between).join(part for part in parts if part)
