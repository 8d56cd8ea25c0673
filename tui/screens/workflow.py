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

from tui.client import RefusedError, UnreachableError
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
        self._current = 0
        self._webhooks: list[Document] = []
        self._runs: dict[str, Document] = {}
        self._missing: str | None = None
        self._reading = False

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
            Rows(columns, self._run, empty="it has not run yet: n starts it", tail=True, id="run-rows"),
            id="runs",
            title="Runs",
        )
        facts = VerticalScroll(Static("", id="facts", markup=False), Payload(charset, id="params"), can_focus=False)
        yield Pane(facts, id="about", title="About")

    def on_mount(self) -> None:
        """Read the workflow."""
        self._read()
        self.query_one("#run-rows").focus()

    async def reread(self) -> None:
        """Read everything anew."""
        self._read()

    def crumbs(self) -> list[str]:
        """The tenant and the workflow."""
        return [self._tenant, "workflows", self._workflow]

    def hints(self) -> Sequence[KeyHint]:
        """Start it, open a run."""
        reason = self.dashboard.actor.unusable()
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

    def _read(self, version: int | None = None) -> None:
        self.run_worker(self._read_all(version), group="read", exclusive=True, exit_on_error=False)

    async def _read_all(self, version: int | None) -> None:
        service = self.dashboard.service
        try:
            document = await service.workflow(self._tenant, self._workflow, version)
            self._webhooks = await service.webhooks(self._tenant, self._workflow)
            await self._read_runs()
        except RefusedError as error:
            self._missing = error.detail
        except UnreachableError:
            return  # It is read again when the connection is back.
        else:
            self._current = max(self._current, int(document["version"]))
            changed = self._document is None or document["version"] != self._document["version"]
            self._document, self._missing = document, None
            if changed:
                plan = await asyncio.to_thread(read_plan, document)
                self.query_one(GraphView).set_plan(plan)
        self._show()

    async def _read_runs(self) -> None:
        items, _ = await self.dashboard.service.executions(self._tenant, workflow=self._workflow, limit=50)
        self._runs = {str(item["id"]): item for item in items}

    # --- showing

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Take the news of its runs; read the definition anew when it changed."""
        if not self.drawn:
            return
        if dirty is not None and "workflows" in dirty:
            self._read()
        if dirty is None or "executions" in dirty:
            self._take_runs()
        elif "stats" in dirty:
            self._show()

    def _take_runs(self) -> None:
        page = self.dashboard.store.page
        mine = {key: row for key, row in page.rows.items() if row.get("workflow_id") == self._workflow}
        self._runs = dict(sorted({**self._runs, **mine}.items(), reverse=True)[:50])
        self._show()

    def _show(self) -> None:
        if not self.drawn:
            return
        self.query_one("#run-rows", Rows).show(self._runs)
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
        parts = [
            plain(document["name"], charset, TEXT, bold=True),
            plain(document["status"], charset, colour),
            plain(f"version {document['version']}", charset, MUTED),
            plain(" ".join(f"#{tag}" for tag in document.get("tags") or ()), charset, ACCENT),
            plain(document.get("description") or "", charset, MUTED),
        ]
        line.update(joined(parts, "   "), layout=False)

    def _run(self, key: str) -> Sequence[Text]:
        row, charset, now = self._runs[key], self.dashboard.charset, self.dashboard.now
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
            methods = ",".join(params.get("methods") or ("ANY",))
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

    def action_open(self) -> None:
        """Open the run under the cursor."""
        self.query_one("#run-rows", Rows).action_open()

    def action_start(self) -> None:
        """Open the form."""
        self.dashboard.action_start(self._workflow)

    def action_version(self, by: int) -> None:
        """Look at another version."""
        if self._document is not None:
            self._read(max(1, min(int(self._document["version"]) + by, self._current)))

    def action_copy(self) -> None:
        """Copy the workflow's id."""
        self.dashboard.copy(self._workflow, "the workflow's id")

    @on(Payload.Copied)
    def _copied(self, message: Payload.Copied) -> None:
        self.dashboard.copy(message.text, message.what)


def _day(at: object) -> str:
    when = moment(at)
    return "" if when is None else when.astimezone().strftime("%d %b %Y %H:%M")
