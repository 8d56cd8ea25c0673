"""The first screen: tenants, workflows, executions, and a look into the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from tui.actions import CANCEL, EXECUTION_ACTIONS, PAUSE, RESUME, RETRY, Action, Target
from tui.filters import Filter, FilterError, parse
from tui.look import short_id
from tui.screens.base import Page
from tui.screens.overview_preview import PreviewReader
from tui.screens.overview_rows import execution_row, tenant_row, workflow_row
from tui.store import ALL
from tui.widgets.cells import Column
from tui.widgets.keybar import KeyHint
from tui.widgets.line import CommandLine
from tui.widgets.pane import Pane
from tui.widgets.preview import Preview
from tui.widgets.rows import Rows
from tui.widgets.surface import Ground

_FILTERS = (
    "status:live",
    "status:failed",
    "status:running",
    "status:waiting",
    "status:paused",
    "workflow:",
    "since:1h",
)


class Overview(Page):
    """Everything at a glance."""

    panes: ClassVar[tuple[str, ...]] = ("side", "executions", "preview")
    pairs: ClassVar[Mapping[str, Sequence[str]]] = {"preview": ("executions", "preview")}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(action.key, f"act('{action.name}')", action.label, show=False) for action in EXECUTION_ACTIONS[:6]),
        Binding("n", "start", "start", show=False),
        Binding("w", "workflow", "workflow", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("t", "tail", "tail", show=False),
        Binding("y", "copy", "copy the id", show=False),
        Binding("1", "app.go('overview')", "overview", show=False),
        Binding("2", "app.go('queues')", "queues", show=False),
        Binding("3", "app.go('schedules')", "schedules", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = "executions"
        self._preview = PreviewReader(self)

    # --- the frame

    def body(self) -> Iterable[Widget]:
        """Tenants over workflows, executions, the preview."""
        tenants = Rows([Column("tenant"), Column("live", 5, "right")], self._tenant, head=False, id="tenant-rows")
        columns = [Column("workflow"), Column("live", 8, "right")]
        workflows = Rows(columns, self._workflow, head=False, id="workflow-rows")
        executions = Rows(
            [
                Column("ST", 2),
                Column("ID", 6),
                Column("WORKFLOW", least=10),
                Column("NODES", 15),
                Column("START", 8, drop=58),
                Column("DURATION", 9, "right", drop=44),
            ],
            self._execution,
            tail=True,
            id="execution-rows",
        )
        yield Ground(
            Pane(tenants, id="tenants", title="Tenants"), Pane(workflows, id="workflows", title="Workflows"), id="side"
        )
        yield Pane(executions, id="executions", title="Executions")
        yield Pane(Preview(self.charset), id="preview", title="Execution")

    def on_mount(self) -> None:
        """Begin with the executions."""
        self.refresh_from(None)
        self._rows("execution-rows").focus()

    def crumbs(self) -> list[str]:
        """The tenant, and what is listed."""
        return [self.dashboard.store.tenant or "-", "executions"]

    def hints(self) -> Sequence[KeyHint]:
        """Open, start, and what can be done to the execution under the cursor."""
        actor, target = self.dashboard.actor, self.target()
        return [
            KeyHint("enter", "open", "open"),
            KeyHint("n", "start", "start", actor.unusable()),
            *actor.hints((PAUSE, RESUME, RETRY, CANCEL), target),
            KeyHint("/", "filter", "filter"),
            KeyHint("space", "mark", "mark"),
            KeyHint("2", "queues", "go('queues')"),
            KeyHint("3", "schedules", "go('schedules')"),
        ]

    def _rows(self, name: str) -> Rows:
        return self.query_one(f"#{name}", Rows)

    # --- from the store

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Show what changed."""
        if not self.drawn:
            return
        self._say_why_empty()
        parts = set(dirty or ())
        if dirty is None or parts & {"tenants", "stats"}:
            rows = self._rows("tenant-rows")
            rows.preferred = self.dashboard.store.tenant
            rows.show(self.dashboard.store.tenants)
            if not rows.has_focus and self.dashboard.store.tenant is not None:
                rows.select(self.dashboard.store.tenant)
        if dirty is None or parts & {"workflows", "stats"}:
            self._rows("workflow-rows").show(self.dashboard.store.workflows)
        if dirty is None or "executions" in parts:
            changed = None if dirty is None else dirty["executions"]
            self._show_executions(None if changed is None or ALL in changed else changed)
        elif "stats" in parts:
            self._rows("execution-rows").show(self.dashboard.store.page.ids, self._live())
        if "stats" in parts:
            self.query_one(Preview).tick()

    def _say_why_empty(self) -> None:
        """Nothing is there, or nothing was read yet, or the filter shows nothing."""
        store, executions, workflows = self.dashboard.store, "reading", "reading"
        if self.dashboard.feed.primed.is_set():
            executions, workflows = "nothing has run yet: n starts a workflow", "none yet"
            if not store.page.read:
                executions = "reading"
            elif not store.page.filter.empty:
                executions = "nothing fits the filter: esc shows all"
            elif not store.workflows:
                executions = "no workflow yet: flowrun apply FILE brings one"
        self._rows("execution-rows").say_why_empty(executions)
        self._rows("workflow-rows").say_why_empty(workflows)

    def _live(self) -> list[str]:
        """Those whose duration grows."""
        rows = self.dashboard.store.page.rows
        return [key for key, row in rows.items() if not row.get("finished_at")]

    def _show_executions(self, changed: set[str] | None) -> None:
        self._rows("execution-rows").show(self.dashboard.store.page.ids, changed)
        self._name_pane()
        self._preview.soon(changed)

    def _name_pane(self) -> None:
        page, rows = self.dashboard.store.page, self._rows("execution-rows")
        pane = self.query_one("#executions", Pane)
        title = "Executions  " + (str(page.filter) or "all")
        more = "+" if page.more else ""
        place = rows.place + 1
        marked = f"{len(rows.marked)} marked  " if rows.marked else ""
        unseen = f"{page.unseen} newer: t  " if page.unseen else ""
        pane.name_it(title, f"{marked}{unseen}{place} of {len(rows.keys)}{more}" if rows.keys else "")

    # --- rows

    def _tenant(self, key: str) -> Sequence[Text]:
        return tenant_row(self.dashboard.store, self.charset, key)

    def _workflow(self, key: str) -> Sequence[Text]:
        return workflow_row(self.dashboard.store, self.charset, key)

    def _execution(self, key: str) -> Sequence[Text]:
        marked = key in self._rows("execution-rows").marked
        return execution_row(self.dashboard.store, self.charset, key, self.dashboard.now, marked=marked)

    # --- the preview

    def lay_out(self) -> None:
        """A preview that comes into sight shows the row under the cursor."""
        super().lay_out()
        if self.drawn:
            self._preview.soon()

    # --- choosing

    @on(Rows.Highlighted, "#execution-rows")
    def _at_execution(self, message: Rows.Highlighted) -> None:
        # The rows aren't shown anew here: in a flood that would bring the next cursor, and so on without a pause.
        self._name_pane()
        self._preview.soon({message.key} if message.rows.tail and message.key == message.rows.keys[0] else None)
        self.show_keys()

    @on(Rows.Opened, "#execution-rows")
    def _open_execution(self, message: Rows.Opened) -> None:
        row = self.dashboard.store.page.rows.get(message.key)
        if row is not None:
            self.dashboard.open_execution(row["tenant_id"], message.key)

    @on(Rows.Highlighted, "#tenant-rows")
    def _at_tenant(self, message: Rows.Highlighted) -> None:
        if message.rows.has_focus:  # Otherwise nobody has moved the cursor: a tenant has come or gone.
            self.dashboard.actor.read(self.dashboard.feed.choose_tenant(message.key))

    @on(Rows.Opened, "#workflow-rows")
    def _open_workflow(self, message: Rows.Opened) -> None:
        self.dashboard.open_workflow(message.key)

    @on(Rows.NearEnd, "#execution-rows")
    def _older(self) -> None:
        if self.dashboard.store.page.more:
            self.dashboard.actor.read(self.dashboard.feed.read_older(self.dashboard.store.page))

    def target(self) -> Target:
        """The execution under the cursor, or those that are marked."""
        rows, held = self._rows("execution-rows"), self.dashboard.store.page.rows
        marked = [held[key] for key in rows.keys if key in rows.marked and key in held] if rows.marked else []
        return Target(held.get(rows.cursor or ""), None, marked)

    def act(self, action: Action) -> None:
        """Do it to what is under the cursor, unless that is another one than a moment ago."""
        target = self.target()
        if self._rows("execution-rows").slipped and not target.marked:
            now = "nothing" if target.execution is None else short_id(str(target.execution["id"]))
            self.dashboard.say(f"the row under the cursor has left the list: it is {now} now", "warning")
            return
        super().act(action)

    # --- keys

    def action_open(self) -> None:
        """Open what is under the cursor."""
        if isinstance(self.focused, Rows):
            self.focused.action_open()

    def action_start(self) -> None:
        """Start the workflow that is looked at."""
        self.dashboard.action_start(self._chosen_workflow())

    def action_workflow(self) -> None:
        """Open the workflow that is looked at."""
        workflow = self._chosen_workflow()
        if workflow:
            self.dashboard.open_workflow(workflow)

    def _chosen_workflow(self) -> str:
        workflows = self._rows("workflow-rows")
        row = self.target().execution
        if self.focused is workflows or row is None:
            return workflows.cursor or ""
        return str(row["workflow_id"])

    def action_mark(self) -> None:
        """Mark the row for a command on many."""
        rows = self._rows("execution-rows")
        rows.toggle_mark()
        self._name_pane()
        self.show_keys()

    def unmark(self, done: set[str]) -> None:
        """Take the marks of these rows away."""
        self._rows("execution-rows").clear_marks(done)
        self._name_pane()
        self.show_keys()

    def action_back(self) -> None:
        """Take marks away, then the filter."""
        rows = self._rows("execution-rows")
        if rows.marked:
            rows.clear_marks()
            self._name_pane()
            self.show_keys()
        elif self.maximised:
            self.action_maximise()
        elif not self.dashboard.store.page.filter.empty:
            self.filter_by("")

    def action_tail(self) -> None:
        """Go to the newest execution and stay with it."""
        if not self.dashboard.store.page.at_head:
            self.dashboard.actor.read(self.dashboard.feed.read_page(self.dashboard.store.page))
        self._rows("execution-rows").action_edge(0)

    def action_copy(self) -> None:
        """Copy the id of the execution under the cursor."""
        key = self._rows("execution-rows").cursor
        if key:
            self.dashboard.copy(key, "the execution's id")

    def action_filter(self) -> None:
        """Open the filter line."""
        workflows = [f"workflow:{name}" for name in self.dashboard.store.workflows]
        now = str(self.dashboard.store.page.filter)
        line = self.query_one(CommandLine)
        line.open("/", now, [*_FILTERS, *workflows], "status:failed workflow:triage since:2h")

    def entered(self, text: str) -> None:
        """A filter was entered."""
        self.filter_by(text)

    def filter_by(self, text: str) -> None:
        """Show the executions that the text describes."""
        try:
            wanted = parse(text)
        except FilterError as error:
            self.dashboard.say(str(error), "warning")
            return
        self.set_filter(wanted)

    def set_filter(self, wanted: Filter) -> None:
        """Show other executions."""
        self.dashboard.store.filter_by(wanted)
        self._rows("execution-rows").clear_marks()
        self.dashboard.actor.read(self.dashboard.feed.read_page(self.dashboard.store.page))
