"""Input, output, error, log and events of what is selected, behind tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tui.detail import Detail
from tui.look import elapsed, moment, plain, short_id, time_of_day, utc_now
from tui.render.charset import Charset
from tui.render.text import clock
from tui.theme import ACCENT, MUTED, STATE_COLOURS, TEXT
from tui.widgets.cells import Column
from tui.widgets.payload import Payload
from tui.widgets.rows import Rows

Document = Mapping[str, Any]
_COLOURS = (
    ("Failed", "failed"),
    ("TimedOut", "failed"),
    ("Completed", "completed"),
    ("Cancel", "cancelled"),
    ("Retr", "retrying"),
    ("Skipped", "skipped"),
    ("Waiting", "waiting"),
    ("Started", "running"),
)


class Tabs(Static):
    """The names of the tabs in one line."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("", id="tabs", markup=False)
        self._names = names
        self._spans: list[tuple[int, int, str]] = []

    def show(self, chosen: str) -> None:
        """Show which one is chosen."""
        text, self._spans = Text(no_wrap=True), []
        for name in self._names:
            begin = text.cell_len
            label = f"[{name.capitalize()}]" if name == chosen else f" {name.capitalize()} "
            text.append(label, Style(color=ACCENT if name == chosen else MUTED, bold=name == chosen))
            self._spans.append((begin, text.cell_len, name))
        self.update(text, layout=False)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        for begin, end, name in self._spans:
            if begin <= event.x < end:
                self.post_message(Data.Chosen(name))


class Data(Vertical):
    """One of the tabs at a time."""

    TABS: ClassVar[tuple[str, ...]] = ("input", "output", "error", "logs", "events")

    class Chosen(Message):
        """Another tab was chosen with the mouse."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, charset: Charset) -> None:
        super().__init__()
        self._charset = charset
        self.tab = "output"
        """The one that was chosen last."""
        self._shown = ""
        """The one in sight: of what has failed, the error in place of the output."""
        self._of: object = None
        """What is looked at."""
        self._insists = False
        """Whether the tab was chosen for just that."""
        self._lines: list[tuple[str, str, str]] = []
        self._events: dict[str, Document] = {}

    def compose(self) -> ComposeResult:
        """The tabs over what they show."""
        columns = [
            Column("SEQ", 5, "right"),
            Column("TIME", 12, drop=44),
            Column("EVENT", 20),
            Column("NODE", least=12),
        ]
        yield Tabs(self.TABS)
        yield Payload(self._charset)
        yield Rows(
            [Column("", 12), Column("", least=20)], self._log, head=False, empty="nothing was written", id="log-rows"
        )
        yield Rows(
            [*columns, Column("", least=10, drop=60)], self._event, empty="nothing has happened", id="event-rows"
        )

    def on_mount(self) -> None:
        """Begin with the output."""
        self.choose(self.tab)

    def choose(self, tab: str) -> None:
        """Show another tab."""
        self.tab, self._insists = tab, True
        self._present(tab)

    def _present(self, tab: str) -> None:
        if tab == self._shown:
            return
        self._shown = tab
        self.query_one(Tabs).show(tab)
        shown = {"logs": "log-rows", "events": "event-rows"}.get(tab)
        self.query_one(Payload).display = shown is None
        for name in ("log-rows", "event-rows"):
            self.query_one(f"#{name}").display = name == shown

    def focus_content(self) -> None:
        """Give the focus to what is shown."""
        for widget in (self.query_one(Payload), *self.query(Rows)):
            if widget.display:
                widget.focus()

    def title(self, detail: Detail, now: datetime) -> str:
        """What the data is of."""
        run = detail.run
        if run is None:
            return "the execution"
        name = f"{run['node_id']}[{run['iteration']}]" if run.get("iteration") else str(run["node_id"])
        parts = [plain(name, self._charset).plain, str(run["status"]).replace("_", " ")]
        if (run.get("attempt") or 0) > 1:
            parts.append(f"attempt {run['attempt']}")
        took = elapsed(run.get("started_at"), run.get("finished_at"), now)
        return f" {self._charset.dot} ".join([*parts, took] if took else parts)

    def show(self, detail: Detail, now: datetime) -> None:
        """Show what is selected."""
        self._insists = self._insists and self._of == (detail.id, detail.selected)
        self._of = (detail.id, detail.selected)
        self._present(self._tab_of(detail))
        if self.tab in {"input", "output", "error"}:
            self._show_value(detail, now)
        elif self.tab == "logs":
            self._lines = _log_lines(detail)
            rows = self.query_one("#log-rows", Rows)
            rows.show([str(place) for place in range(len(self._lines))])

    def _tab_of(self, detail: Detail) -> str:
        """The tab that was chosen; what has failed has no output, so that its error is shown, unless one insists."""
        looked_at = detail.execution if detail.selected is None else detail.run
        failed = (looked_at or {}).get("status") in {"failed", "timed_out"}
        return "error" if failed and self.tab == "output" and not self._insists else self.tab

    def _show_value(self, detail: Detail, now: datetime) -> None:
        payload = self.query_one(Payload)
        source = detail.execution if detail.selected is None else detail.payload
        if detail.missing is not None:
            payload.say("")
        elif source is None or (detail.selected is None and self._shown not in source):
            payload.say("reading")
        elif "refused" in source:
            payload.say(str(source["refused"]))
        elif source.get(self._shown) is None:
            payload.say(self._nothing(source, now))
        else:
            payload.show(source[self._shown])

    def _nothing(self, source: Document, now: datetime) -> str:
        """Why there is no value."""
        status = str(source.get("status"))
        if self._shown == "error":
            return "no error"
        if status == "skipped":
            return plain(f"skipped: {source.get('skip_reason')}", self._charset).plain
        if status == "waiting" and source.get("called") and self._shown == "output":
            return f"waits for the execution {short_id(str(source['called']))}: c opens it"
        due = moment(source.get("due_at"))
        if status in {"waiting", "retrying"} and due is not None and self._shown == "output":
            return f"{status}; due {time_of_day(source['due_at'], now)}, in {clock((due - now).total_seconds())}"
        if status in {"pending", "queued", "running", "retrying", "waiting", "paused", "cancelling"}:
            return f"{status.replace('_', ' ')}: no {self._shown} yet"
        return f"no {self._shown}" if status != "completed" else "null"

    # --- events and log

    def show_events(self, detail: Detail) -> None:
        """Show the history."""
        if self.tab == "events":
            self._events = {str(event["seq"]): event for event in detail.events}
            rows = self.query_one("#event-rows", Rows)
            at_end = not rows.keys or rows.cursor == rows.keys[-1]
            rows.show(self._events, ())
            if at_end and rows.keys and not rows.has_focus:
                rows.select(rows.keys[-1])
        elif self.tab == "logs":
            self.show(detail, utc_now())

    def event(self, key: str) -> Document | None:
        """The event of a row."""
        return self._events.get(key)

    def _event(self, key: str) -> Sequence[Text]:
        event, charset = self._events[key], self._charset
        kind = str(event["type"])
        colour = next((STATE_COLOURS[name] for part, name in _COLOURS if part in kind), TEXT)
        node = str(event.get("node_id") or "")
        if event.get("iteration"):
            node += f"[{event['iteration']}]"
        return (
            plain(key, charset, MUTED),
            plain(_clock(event.get("at")), charset, MUTED),
            plain(kind, charset, colour),
            plain(node, charset),
            plain(_facts(event.get("data") or {}), charset, MUTED),
        )

    def _log(self, key: str) -> Sequence[Text]:
        at, text, kind = self._lines[int(key)]
        return plain(at, self._charset, MUTED), plain(text, self._charset, STATE_COLOURS.get(kind, TEXT))

    @on(events.Click)
    def _keep(self, event: events.Click) -> None:
        event.stop()


def _log_lines(detail: Detail) -> list[tuple[str, str, str]]:
    """The story of the selected node run, or of the execution: time, text, colour."""
    lines = []
    for event in detail.events:
        mine = (str(event.get("node_id")), str(event.get("iteration") or ""))
        if detail.selected is None or mine == detail.selected:
            kind = next((name for part, name in _COLOURS if part in str(event["type"])), "")
            facts = _facts(event.get("data") or {})
            lines.append((str(event.get("at")), f"{_spell(str(event['type']))}  {facts}".rstrip(), kind))
    lines += [(str(line.get("at")), str(line.get("text")), "") for line in detail.logs]
    return [(_clock(at), text, kind) for at, text, kind in sorted(lines, key=lambda line: line[0])]


def _spell(kind: str) -> str:
    """`NodeRetrying` as `node retrying`."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in kind).strip()


def _clock(at: object) -> str:
    when = moment(at)
    return "" if when is None else when.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _facts(data: Document) -> str:
    error = data.get("error")
    if isinstance(error, dict):
        return f"{error.get('type')}: {error.get('message')}"[:500]
    shown = {name: value for name, value in data.items() if name not in {"started_at", "dispatch", "taken"}}
    return "  ".join(f"{name}={_brief(value)}" for name, value in shown.items())[:500]


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(map(str, list(value)[:4])) + (", ..}" if len(value) > 4 else "}")
    return f"[{len(value)}]" if isinstance(value, list) else str(value)[:120]
