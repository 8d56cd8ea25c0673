"""One execution: its graph, its timeline, and the data, errors, log and events of what is selected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from tui.actions import CANCEL, EXECUTION_ACTIONS, FINAL, PAUSE, RERUN, RERUN_FROM, RESUME, RETRY, SIGNAL, SKIP, Target
from tui.detail import Detail, RunKey
from tui.look import short_id
from tui.render.states import fold
from tui.screens.base import Page
from tui.screens.summary import summary_line
from tui.watch import Watch
from tui.widgets.data import Data
from tui.widgets.graph import GraphView, read_plan
from tui.widgets.keybar import KeyHint
from tui.widgets.pane import Pane
from tui.widgets.rows import Rows
from tui.widgets.timeline import Timeline

_NODE_HINTS = (SKIP, SIGNAL, RERUN_FROM)


class ExecutionScreen(Page):
    """Selecting a node in the graph, the timeline or the events selects it everywhere."""

    panes: ClassVar[tuple[str, ...]] = ("graph", "timeline", "data")
    pairs: ClassVar[Mapping[str, Sequence[str]]] = {
        "graph": ("graph", "data"),
        "data": ("graph", "data"),
        "timeline": ("graph", "timeline"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(action.key, f"act('{action.name}')", action.label, show=False) for action in EXECUTION_ACTIONS),
        *(Binding(str(place + 1), f"tab('{tab}')", tab, show=False) for place, tab in enumerate(Data.TABS)),
        Binding("f,t", "follow", "follow", show=False),
        Binding("i", "itself", "the execution itself", show=False),
        Binding("left_square_bracket", "node(-1)", "the node before", show=False),
        Binding("right_square_bracket", "node(1)", "the next node", show=False),
        Binding("w", "workflow", "workflow", show=False),
        Binding("c", "called", "what the node has called", show=False),
        Binding("u", "caller", "what it was called by", show=False),
        Binding("y", "copy", "copy the id", show=False),
    ]

    def __init__(self, tenant: str, execution: str) -> None:
        super().__init__()
        self.detail = Detail(tenant, execution)
        self.following = True
        self._planned = False
        self._watch: Watch | None = None

    # --- the frame

    def body(self) -> Iterable[Widget]:
        """The graph over the timeline and the data."""
        charset = self.dashboard.charset
        yield Static("", id="summary", markup=False)
        yield Pane(GraphView(charset, id="graph-view"), id="graph", title="Graph")
        yield Pane(Timeline(charset), id="timeline", title="Timeline")
        yield Pane(Data(charset), id="data", title="")

    def on_mount(self) -> None:
        """Begin to read."""
        app = self.dashboard
        app.store.look_at(self.detail)
        known = app.store.page.rows.get(self.detail.id)
        if known is not None:
            self.detail.put_execution(known)
        self._watch = Watch(app.service, app.store, self.detail)
        self.run_worker(self._watch.run(), name="watch", exit_on_error=True)
        self.query_one(GraphView).focus()
        self.refresh_from(None)

    def on_screen_resume(self) -> None:
        """Another execution may have been looked at in between."""
        if self.dashboard.store.detail is not self.detail:
            self.dashboard.store.look_at(self.detail)

    async def reread(self) -> None:
        """Read everything anew."""
        if self._watch is not None:
            self._watch.reread()

    def crumbs(self) -> list[str]:
        """The tenant, and the execution."""
        return [self.detail.tenant, "executions", short_id(self.detail.id)]

    def target(self) -> Target:
        """The execution, and the selected node."""
        return Target(self.detail.execution, self.detail.run)

    def hints(self) -> Sequence[KeyHint]:
        """What can be done to the execution and to the selected node."""
        actor, target = self.dashboard.actor, self.target()
        ended = None if self._live else "it has ended"
        follow = KeyHint("f", "following" if self.following and self._live else "follow", "follow", ended)
        return [
            KeyHint("esc", "back", "back"),
            *actor.hints((PAUSE, RESUME, RETRY, CANCEL, RERUN), target),
            follow,
            *actor.hints(_NODE_HINTS, target),
            *([KeyHint("c", "called", "called")] if self.detail.called else []),
            KeyHint("m", "maximise", "maximise"),
        ]

    # --- from the store

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Show what changed."""
        if not self.drawn or self._watch is None:
            return
        parts = set(dirty or ())
        everything = dirty is None
        if "detail" in parts and self._live and self._watch.ended:
            self._watch.reread()  # It was retried.
        ticks = self._live and "stats" in parts  # What counts seconds goes on.
        if everything or ticks or "detail" in parts:
            self._show_summary()
            self._show_states()
        if everything or ticks or parts & {"selection", "payload", "detail"}:
            self._show_data()
        if everything or parts & {"events", "selection", "payload"}:
            self.query_one(Data).show_events(self.detail)

    @property
    def _live(self) -> bool:
        """Whether anything may still happen."""
        return (self.detail.execution or {}).get("status") not in FINAL

    def _show_summary(self) -> None:
        store = self.dashboard.store
        line = summary_line(self.detail, store.pending.get(self.detail.id), self.charset, self.dashboard.now)
        self.query_one("#summary", Static).update(line, layout=False)

    def _show_states(self) -> None:
        detail, now = self.detail, self.dashboard.now
        if detail.definition is not None and not self._planned:
            self._planned = True
            self.run_worker(self._plan(detail.definition), exit_on_error=True)
        runs = list(detail.runs.values())
        graph = self.query_one(GraphView)
        graph.set_states(fold(runs, now, graph.bodies))
        graph.say_why_empty("" if detail.missing else "reading")
        if self.following:
            self._follow()
        self.query_one(Timeline).show(runs, now)

    async def _plan(self, definition: Mapping[str, Any]) -> None:
        plan = await asyncio.to_thread(read_plan, definition)
        self.query_one(GraphView).set_plan(plan)

    def _show_data(self) -> None:
        detail = self.detail
        data = self.query_one(Data)
        data.show(detail, self.dashboard.now)
        node = detail.selected
        self.query_one(GraphView).select(node[0] if node else None)
        if node is not None:
            self.query_one(Timeline).select(node[0])
        self.query_one("#data", Pane).name_it(data.title(detail, self.dashboard.now))
        self.query_one("#graph", Pane).name_it("Graph", "following" if self.following and self._live else "")

    # --- selecting

    def select(self, key: RunKey | None, *, follow: bool = False) -> None:
        """Select a node run everywhere."""
        self.following = self.following and follow
        if key is None:
            self.detail.selected = self.detail.payload = None
            self.dashboard.store.touch("selection")
        elif self.dashboard.store.select(*key) and self._watch is not None:
            self._watch.selected()
        self._show_data()
        self.show_keys()

    def _follow(self) -> None:
        key = self.detail.active()
        if key is not None and key != self.detail.selected:
            self.select(key, follow=True)

    @on(GraphView.Selected)
    def _in_graph(self, message: GraphView.Selected) -> None:
        self._select_node(message.node)

    def _select_node(self, node: str) -> None:
        """Select the run that stands for a node; of a loop's many `[` and `]` choose another."""
        key = self.detail.first_run(node)
        if key is not None:
            self.select(key)

    @on(GraphView.Opened)
    def _open_data(self) -> None:
        self.query_one(Data).focus_content()

    @on(Rows.Highlighted, "#run-rows")
    def _in_timeline(self, message: Rows.Highlighted) -> None:
        if message.rows.has_focus:
            self._select_node(message.key)

    @on(Rows.Opened, "#run-rows")
    def _open_run(self) -> None:
        self.query_one(Data).focus_content()

    @on(Rows.Highlighted, "#event-rows")
    def _in_events(self, message: Rows.Highlighted) -> None:
        event = self.query_one(Data).event(message.key)
        if message.rows.has_focus and event is not None and event.get("node_id"):
            self.select((str(event["node_id"]), str(event.get("iteration") or "")))

    # --- keys

    def action_tab(self, tab: str) -> None:
        """Look at another part of the data."""
        data = self.query_one(Data)
        data.choose(tab)
        self._show_data()
        data.show_events(self.detail)
        data.focus_content()

    @on(Data.Chosen)
    def _chosen(self, message: Data.Chosen) -> None:
        self.action_tab(message.tab)

    def action_follow(self) -> None:
        """Follow the running node, or stay."""
        self.following = not self.following
        if self.following:
            self._follow()
        self._show_data()
        self.show_keys()

    def action_itself(self) -> None:
        """Look at the input and output of the execution itself."""
        self.select(None)

    def action_node(self, by: int) -> None:
        """Select the node run before or after."""
        keys = list(self.detail.runs)
        if keys:
            place = keys.index(self.detail.selected) + by if self.detail.selected in keys else 0
            self.select(keys[place % len(keys)])

    def action_workflow(self) -> None:
        """Open the workflow."""
        if self.detail.execution is not None:
            self.dashboard.open_workflow(str(self.detail.execution["workflow_id"]), self.detail.tenant)

    def action_called(self) -> None:
        """Open the execution that the selected node has started."""
        called = self.detail.called
        if called is not None:
            self.dashboard.open_execution(self.detail.tenant, called)
        else:
            self.dashboard.say("the selected node has called no other workflow", "warning")

    def action_caller(self) -> None:
        """Open the execution that has started this one, or that this one repeats."""
        execution = self.detail.execution or {}
        caller = (execution.get("trigger") or {}).get("caller") or {}
        above = caller.get("execution_id") or execution.get("rerun_of")
        if above:
            self.dashboard.open_execution(self.detail.tenant, str(above))
        else:
            self.dashboard.say("no other execution has called this one", "warning")

    def action_copy(self) -> None:
        """Copy the execution's id."""
        self.dashboard.copy(self.detail.id, "the execution's id")
