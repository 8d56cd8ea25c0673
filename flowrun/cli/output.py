"""Prints results: aligned tables for people (in colour on a terminal), JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

GLYPHS = {
    "completed": "✓",
    "failed": "✗",
    "timed_out": "✗",
    "cancelled": "⊘",
    "skipped": "○",
    "running": "▶",
    "queued": "·",
    "pending": "·",
    "retrying": "↻",
    "waiting": "◷",
    "paused": "‖",
    "cancelling": "⊘",
}
COLOURS = {
    "completed": "green",
    "failed": "red",
    "timed_out": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "retrying": "yellow",
    "waiting": "blue",
    "paused": "magenta",
    "cancelling": "yellow",
}


def is_rich() -> bool:
    """Whether standard output is a terminal that may be given colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def printable(text: str) -> str:
    """The text without what a terminal would take for a command."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)


def print_json(value: object) -> None:
    """Print any JSON, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print rows under their headings; `empty` when there are none. The last column is cut on a terminal."""
    if not rows:
        click.echo(empty, err=True)
        return
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(columns), *cells]) for i in range(len(columns))]
    room = _last_column_room(widths)
    click.echo(click.style(_line([name.upper() for name in columns], widths), bold=True))
    for row in cells:
        *start, last = row
        line = _line([*start, _cut(last, room)], widths)
        status = next((cell.split()[-1] for cell in row if cell.split() and cell.split()[-1] in COLOURS), None)
        click.echo(_coloured(line, status))


def state(status: str) -> str:
    """A status with its glyph."""
    return f"{GLYPHS.get(status, '?')} {status}"


def styled_state(status: str) -> str:
    """A status with its glyph and colour."""
    return click.style(state(status), fg=COLOURS.get(status))


def shorten(value: object, width: int) -> str:
    """A JSON value on one line, cut to a width; nothing for null."""
    text = "" if value is None else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _cut(printable(text), width)


def duration(started: str | None, finished: str | None) -> str:
    """The time between two moments as people say it; up to now while there is no end."""
    if started is None:
        return ""
    end = parse_time(finished) if finished else datetime.now(UTC)
    return spell_seconds((end - parse_time(started)).total_seconds())


def spell_seconds(seconds: float) -> str:
    """`<1 ms`, `12 ms`, `3.4 s`, `5m 07s`, `2h 03m`."""
    if seconds < 0.001:
        return "<1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def spell_bytes(size: int) -> str:
    """`512 B`, `3.4 MiB`, `12 GiB`."""
    amount, units = float(size), iter(("KiB", "MiB", "GiB", "TiB"))
    unit = "B"
    while amount >= 1024 and (larger := next(units, None)):
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"


def spell_count(number: int, noun: str) -> str:
    """`1 node`, `1,204 nodes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def local_time(moment: str | None) -> str:
    """An RFC 3339 time in the local time zone."""
    return parse_time(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def parse_time(moment: str) -> datetime:
    """Read an RFC 3339 time."""
    return datetime.fromisoformat(moment)


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _last_column_room(widths: Sequence[int]) -> int:
    if not sys.stdout.isatty():
        return sys.maxsize
    from shutil import get_terminal_size  # noqa: PLC0415 - only on a terminal

    return max(get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1), 12)


def _coloured(line: str, status: str | None) -> str:
    if status is None:
        return line
    return line.replace(state(status), styled_state(status), 1)
