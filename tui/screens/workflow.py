"""One workflow: its picture, its triggers, its recent runs, its nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from tui import page
from tui.client import RefusedError, UnreachableError
from tui.filters import Filter
from tui.look import elapsed, joined, moment, plain, progress_bar, short_id, state, style, time_of_day
from tui.render.sparkline import sparkline
from tui.render.states import state_role
from tui.render.text import count, counted
from tui.screens.base import Page
from tui.theme import ACCENT, FAINT, MUTED, STATE_COLOURS, TEXT
from tui.widgets.cells import Column
from tui.widgets.graph import GraphView, read_plan
from tui.widgets.keybar import KeyHint
from tui.widgets.pane import Pane
from tui.widgets.payload import Payload
from tui.widgets.rows import Rows

Document = dict[str, Any]
_TRIGGERS = frozenset({"webhook", "schedule", "event", "manual", "error"})


class WorkflowScreen(Page):
    """A definition and what has run of it."""

    panes: ClassVar[tuple[str, ...]] = ("graph", "runs", "about")
    pairs: ClassVar[Mapping[str, Sequence[str]]] = {
        "graph": ("graph", "runs"),
        "runs": ("graph", "runs"),
        "about": ("graph", "about"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "start", show=False),
        Binding("y", "copy", "copy the id", show=False),
        Binding("left_square_bracket", "version(-1)", "the version before", show=False),
        Binding("right_square_bracket", "version(1)", "the next version", show=False),
    ]

    def __init__(self, tenant: str, workflow: str) -> None:
        super().__init__()
        self._tenant = tenant
        self._workflow = workflow
        self._document: Document | None = None
        self._version: int | None = None
        """The version that is looked at; None follows the current one."""
        self._current = 0
        self._drawn_version = 0
        self._runs = page.Page(Filter(workflow=workflow), tenant)
        self._missing: str | None = None

    def body(self) -> Iterable[Widget]:
        """The picture over the runs and the facts."""
        charset = self.dashboard.charset
        columns = [
            Column("ST", 2),
            Column("ID", 6),
            Column("NODES", 15),
            Column("START", least=8),
            Column("DURATION", 9, "right"),
        ]
        yield Static("", id="summary", markup=False)
        yield Pane(GraphView(charset, id="graph-view"), id="graph", title="Definition")
        yield Pane(
            Rows(columns, self._run, empty="reading", tail=True, id="run-rows"),
            id="runs",
            title="Runs",
        )
        facts = VerticalScroll(Static("", id="facts", markup=False), Payload(charset, id="params"), can_focus=False)
        yield Pane(facts, id="about", title="About")

    def on_mount(self) -> None:
        """Read the workflow and its runs."""
        self.dashboard.store.windows.append(self._runs)
        self._read()
        self._read_runs()
        self.query_one("#run-rows").focus()

    def on_unmount(self) -> None:
        """Nobody sees the runs any more."""
        windows = self.dashboard.store.windows
        if self._runs in windows:  # Not when the dashboard ends before the screen was there.
            windows.remove(self._runs)

    async def reread(self) -> None:
        """Read everything anew."""
        self._read()
        self._read_runs()

    def crumbs(self) -> list[str]:
        """The tenant and the workflow."""
        return [self._tenant, "workflows", self._workflow]

    def hints(self) -> Sequence[KeyHint]:
        """Start it, open a run."""
        reason = self.dashboard.actor.unusable() or self._missing
        if reason is None and self._document is not None and self._document["status"] != "published":
            reason = f"it is {self._document['status']}; only a published workflow starts"
        return [
            KeyHint("esc", "back", "back"),
            KeyHint("n", "start", "start", reason),
            KeyHint("enter", "open run", "open"),
            KeyHint("[ ]", "versions", "version(-1)"),
            KeyHint("m", "maximise", "maximise"),
        ]

    # --- reading

    def _read(self) -> None:
        # Not the coroutine itself: the next one may come before this one has begun.
        _worker: Worker[None] = self.run_worker(self._read_all, group="read", exclusive=True, exit_on_error=False)

    def _read_runs(self) -> None:
        self.dashboard.actor.read(self.dashboard.feed.read_page(self._runs))

    async def _read_all(self) -> None:
        try:
            document = await self.dashboard.service.workflow(self._tenant, self._workflow, self._version)
        except RefusedError as error:
            self._missing = error.detail
        except UnreachableError:
            return  # It is read again when the connection is back.
        else:
            self._document, self._missing = document, None
            self._current = max(self._current, int(document["version"]))
            await self._draw_plan(document)
        self._show()

    async def _draw_plan(self, document: Document) -> None:
        if document["version"] != self._drawn_version:
            plan = await asyncio.to_thread(read_plan, document)
            self.query_one(GraphView).set_plan(plan)
            self._drawn_version = document["version"]

    # --- showing

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Take the news of its runs; read the definition anew when it changed."""
        if not self.drawn:
            return
        if dirty is not None and "workflows" in dirty:
            saved = self.dashboard.store.workflows.get(self._workflow, {})
            self._current = max(self._current, saved.get("version", 0))
            self._read()
        if dirty is None or dirty.keys() & {"executions", "stats"}:
            self._show()

    def _show(self) -> None:
        if not self.drawn:
            return
        rows = self.query_one("#run-rows", Rows)
        rows.say_why_empty("it has not run yet: n starts it" if self._runs.read else "reading")
        rows.show(self._runs.ids)
        self._show_summary()
        self.query_one("#facts", Static).update(Text("\n").join(self._facts()))
        self.show_keys()

    def _show_summary(self) -> None:
        charset, document = self.dashboard.charset, self._document
        line = self.query_one("#summary", Static)
        if document is None:
            line.update(plain(self._missing or "reading", charset, MUTED))
            return
        colour = STATE_COLOURS["completed"] if document["status"] == "published" else MUTED
        older = f" of {self._current}" if self._current > document["version"] else ""
        parts = [
            plain(document["name"], charset, TEXT, bold=True),
            plain(self._missing, charset, STATE_COLOURS["failed"])
            if self._missing
            else plain(document["status"], charset, colour),
            plain(f"version {document['version']}{older}", charset, MUTED),
            plain(" ".join(f"#{tag}" for tag in document.get("tags") or ()), charset, ACCENT),
            plain(document.get("description") or "", charset, MUTED),
        ]
        line.update(joined(parts, "   "), layout=False)

    def _run(self, key: str) -> Sequence[Text]:
        row, charset, now = self._runs.rows[key], self.dashboard.charset, self.dashboard.now
        status = str(row["status"])
        took = elapsed(row.get("started_at") or row.get("created_at"), row.get("finished_at"), now)
        return (
            Text(" ").append_text(state(status, charset)),
            plain(short_id(key), charset, MUTED),
            progress_bar(row, 5, charset),
            plain(time_of_day(row["created_at"], now), charset, MUTED),
            Text(took, style(state_role(status) if status == "failed" else "name.dim")),
        )

    def _facts(self) -> list[Text]:
        document, charset = self._document, self.dashboard.charset
        if document is None:
            return []
        lines = [Text("Triggers", Style(color=ACCENT, bold=True))]
        triggers = [node for node in document["nodes"] if node.get("type") in _TRIGGERS]
        lines += [plain(f"  {node['id']}  {self._trigger(node)}", charset) for node in triggers]
        lines += [Text(""), Text("Last hour", Style(color=ACCENT, bold=True)), *self._hour()]
        lines += [Text(""), Text("Definition", Style(color=ACCENT, bold=True))]
        facts = {
            "nodes": f"{len(document['nodes'])}, {counted(len(document['edges']), 'edge')}",
            "timeout": document.get("timeout"),
            "on error": document.get("on_error"),
            "limit": document.get("concurrency"),
            "variables": ", ".join(document.get("variables") or ()),
            "saved": f"{_day(document.get('updated_at'))} by {document.get('updated_by')}",
        }
        for name, value in facts.items():
            if value:
                lines.append(Text(f"  {name:<10}", Style(color=FAINT)).append_text(plain(value, charset, MUTED)))
        return lines

    def _trigger(self, node: Mapping[str, Any]) -> str:
        params = node.get("params") or {}
        if node["type"] == "webhook":
            methods = ",".join(params.get("methods") or ("POST",))
            return f"webhook {methods} /webhooks/{self._tenant}/{params.get('path', '')}"
        if node["type"] == "schedule":
            when = params.get("cron") or params.get("every") or params.get("at")
            return f"schedule {when} {params.get('timezone') or ''}".rstrip()
        if node["type"] == "event":
            return f"event {params.get('event_type')}"
        return f"{node['type']} {', '.join(params.get('inputs') or ())}".rstrip()

    def _hour(self) -> list[Text]:
        figures = (self.dashboard.store.stats.get("tenant") or {}).get("workflows") or ()
        mine: dict[str, Any] = next((one for one in figures if one.get("workflow_id") == self._workflow), {})
        if not mine:
            return [Text("  nothing ran", Style(color=MUTED))]
        line, hour, charset = mine.get("timeline") or {}, mine.get("last_hour") or {}, self.dashboard.charset
        return [
            Text(f"  {name:<10}", Style(color=FAINT))
            .append(sparkline(line.get(name) or [], 12, charset), Style(color=colour))
            .append(f"  {count(hour.get(name) or 0)}", Style(color=MUTED))
            for name, colour in (
                ("started", ACCENT),
                ("completed", STATE_COLOURS["completed"]),
                ("failed", STATE_COLOURS["failed"]),
            )
        ]

    # --- keys

    @on(GraphView.Selected)
    def _in_graph(self, message: GraphView.Selected) -> None:
        nodes = (self._document or {}).get("nodes") or ()
        node: dict[str, Any] = next((one for one in nodes if one.get("id") == message.node), {})
        self.query_one("#params", Payload).show(node)

    @on(Rows.Opened, "#run-rows")
    def _open(self, message: Rows.Opened) -> None:
        self.dashboard.open_execution(self._tenant, message.key)

    @on(Rows.NearEnd, "#run-rows")
    def _older(self) -> None:
        if self._runs.more:
            self.dashboard.actor.read(self.dashboard.feed.read_older(self._runs))

    def action_open(self) -> None:
        """Open the run under the cursor."""
        self.query_one("#run-rows", Rows).action_open()

    def action_start(self) -> None:
        """Open the form."""
        self.dashboard.action_start(self._workflow)

    def action_version(self, by: int) -> None:
        """Look at another version."""
        if self._document is not None:
            wanted = max(1, min(int(self._document["version"]) + by, self._current))
            self._version = None if wanted == self._current else wanted
            self._read()

    def action_copy(self) -> None:
        """Copy the workflow's id."""
        self.dashboard.copy(self._workflow, "the workflow's id")


def _day(at: object) -> str:
    when = moment(at)
    return "" if when is None else when.astimezone().strftime("%d %b %Y %H:%M")
