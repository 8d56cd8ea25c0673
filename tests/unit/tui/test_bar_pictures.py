"""Timelines, progress bars and JSON as they are drawn, compared with text files that people have looked at."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

from unit.tui.pictures import check, text_of

from tui.render.canvas import row_text
from tui.render.charset import ASCII, UNICODE
from tui.render.json_view import JsonView
from tui.render.progress import progress
from tui.render.sparkline import sparkline
from tui.render.timeline import axis, full_window, label_width_of, timeline
from tui.render.window import Window

BARS = ("timeline", "timeline-narrow", "timeline-window", "progress", "sparkline", "json")
BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds):
    return None if seconds is None else (BEGIN + timedelta(seconds=seconds)).isoformat()


def run(node, status, *attempts, iteration="", due=None):
    """A node run's document; an attempt is `(status, queued, started, finished)` in seconds."""
    documents = [
        {"attempt": n, "status": s, "queued_at": at(q), "started_at": at(b), "finished_at": at(e), "due_at": at(due)}
        for n, (s, q, b, e) in enumerate(attempts, 1)
    ]
    ended = attempts and status not in {"running", "retrying", "waiting", "queued"}
    return {
        "node_id": node,
        "iteration": iteration,
        "status": status,
        "attempt": len(attempts),
        "attempts": documents,
        "queued_at": at(attempts[0][1]) if attempts else None,
        "started_at": at(attempts[0][2]) if attempts else None,
        "finished_at": at(attempts[-1][3]) if ended else None,
        "duration": attempts[-1][3] - attempts[0][2] if ended else None,
    }


RUNS = [
    run("hook", "completed", ("completed", 0, 0, 0.4)),
    run("fetch", "completed", ("completed", 0.4, 2, 9)),
    run("score", "completed", ("completed", 9, 9, 16)),
    run("enrich", "failed", ("failed", 9, 9.2, 9.4), ("failed", 11, 11, 11.2)),
    *(run("price", "completed", ("completed", 9, 9 + n, 9.8 + n), iteration=str(n)) for n in range(12)),
    run("store", "retrying", ("failed", 16, 16, 19), due=40),
    run("approve", "waiting", ("waiting", None, 16, None)),
    run("agent", "running", ("timed_out", 16, 16.5, 21), ("running", 24, 24.5, None)),
    run("queue", "queued", ("queued", 28, None, None)),
    run("reply", "pending"),
]
NOW = BEGIN + timedelta(seconds=36)


def picture(width, charset=UNICODE, window=None):
    shown = window or full_window(RUNS, NOW)
    label = label_width_of(Counter(run["node_id"] for run in RUNS), width)
    rows = [row.row for row in timeline(RUNS, width, NOW, window, charset)]
    return text_of([axis(shown, width, charset, label), *rows])


def test_a_timeline():
    check("timeline", {"80": picture(80), "120": picture(120), "ascii": picture(80, ASCII)})


def test_an_attempt_of_no_length_is_seen():
    one = run("out", "completed", ("completed", 0, 5, 5))
    (row,) = timeline([one], 30, NOW)
    assert row_text(row.row).rstrip().endswith(UNICODE.dot + UNICODE.blocks[-2])


def test_a_narrow_timeline():
    check("timeline-narrow", {"40": picture(40), "24": picture(24), "12": picture(12)})


def test_windows_of_a_timeline():
    whole = full_window(RUNS, NOW)
    near = whole.zoomed(0.1, BEGIN + timedelta(seconds=10))
    check(
        "timeline-window",
        {
            "a tenth": picture(80, window=near),
            "later": picture(80, window=near.panned(1)),
            "far": picture(80, window=whole.zoomed(10)),
            "a week": picture(80, window=Window(BEGIN, BEGIN + timedelta(days=7))),
        },
    )


def test_progress_bars():
    cases = {
        "none": progress({"total": 5}),
        "queued": progress({"total": 5, "queued": 1}),
        "running": progress({"total": 5, "completed": 3, "running": 1}, status="running"),
        "paused": progress({"total": 5, "completed": 2, "queued": 1}, status="paused"),
        "failed": progress({"total": 5, "completed": 2, "failed": 1}, status="failed", failed_node="fetch"),
        "failed late": progress({"total": 200, "completed": 199, "failed": 1}, status="failed"),
        "failed first": progress({"total": 3, "failed": 1}, status="failed", failed_node="\x1b[31mx"),
        "handled": progress({"total": 4, "completed": 2, "failed": 1, "running": 1}, status="running"),
        "cancelled": progress({"total": 5, "completed": 1, "cancelled": 1}, status="cancelled"),
        "skipped": progress({"total": 5, "completed": 2, "skipped": 3}, status="completed"),
        "loop": progress({"total": 12_400, "completed": 6200, "running": 10}, 10, status="running"),
        "one of many": progress({"total": 1000, "completed": 999, "running": 1}, status="running"),
        "ascii": progress({"total": 5, "completed": 3, "running": 1}, charset=ASCII),
        "no width": progress({"total": 5, "completed": 3}, 0),
    }
    check("progress", {"progress": "".join(f"{name:14}{text_of([row])}" for name, row in cases.items())})


def test_sparklines():
    cases = {
        "rising": range(9),
        "one": [0, 0, 7, 0],
        "flat": [3, 3, 3],
        "gaps": [1, None, 4, None, 2],
        "nothing": [],
        "zeros": [0, 0],
        "small among large": [1, 1000, 1],
    }
    lines = [f"{name:18}|{sparkline(values, 8)}|{sparkline(values, 8, ASCII)}|" for name, values in cases.items()]
    check("sparkline", {"sparkline": "\n".join(lines) + "\n"})


PAYLOAD = {
    "ticket": 4211,
    "history": [{"from": "ana", "text": "It broke.\nTwice."}, {"from": "bot", "text": "\x1b[2J[red]oh[/red]"}],
    "empty": [{}, [], ""],
    "state": {"open": True, "owner": None, "score": -1.5e300},
    "名前": "\u202ereversed",
    "long": "x" * 5000,
    "many": list(range(12)),
    "deep": {"er": {"and": {"deeper": [1]}}},
}


def test_json():
    view = JsonView(PAYLOAD)
    sections = {"open two deep": text_of(view.lines(0, 100, 60))}
    view.close_all()
    sections["closed"] = text_of(view.lines(0, 100, 60))
    view.open_all()
    sections["open"] = text_of(view.lines(0, 100, 60))
    sections["narrow"] = text_of(view.lines(0, 12, 20))
    sections["ascii"] = text_of(JsonView(PAYLOAD, ASCII).lines(0, 100, 60))
    sections["plain values"] = "".join(text_of(JsonView(value).lines(0, 9, 30)) for value in (None, 3, "a", {}, []))
    check("json", sections)
    assert json.loads(json.dumps(view.value(0))) == PAYLOAD
