"""Schedules: what fires when, in words, and what became of the times that passed."""

from __future__ import annotations

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

from tui.client import RefusedError, UnreachableError
from tui.look import moment, plain, time_of_day
from tui.render.text import age
from tui.screens.base import Page
from tui.theme import FAINT, MUTED, STATE_COLOURS, TEXT
from tui.widgets.cells import Column
from tui.widgets.keybar import KeyHint
from tui.widgets.pane import Pane
from tui.widgets.rows import Rows

Document = dict[str, Any]


class SchedulesScreen(Page):
    """The schedules of the tenant."""

    panes: ClassVar[tuple[str, ...]] = ("schedules", "times", "fires")
    pairs: ClassVar[Mapping[str, Sequence[str]]] = {
        "schedules": ("schedules", "fires"),
        "times": ("schedules", "times"),
        "fires": ("schedules", "fires"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "app.go('overview')", "overview", show=False),
        Binding("2", "app.go('queues')", "queues", show=False),
        Binding("p", "command_schedule('pause')", "pause", show=False),
        Binding("r", "command_schedule('resume')", "resume", show=False),
        Binding("n", "command_schedule('trigger')", "fire now", show=False),
        Binding("w", "workflow", "workflow", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._fires: dict[str, Document] = {}
        self._busy: set[str] = set()

    def body(self) -> Iterable[Widget]:
        """The schedules over the next times and the past ones."""
        columns = [
            Column("", 1),
            Column("WORKFLOW", 20),
            Column("NODE", 14, drop=100),
            Column("WHEN", least=10, drop=64),
            Column("NEXT", 12),
            Column("IN", 6, "right"),
            Column("LAST", 12, drop=76),
        ]
        rows = Rows(columns, self._schedule, empty="no workflow of this tenant has a schedule", id="schedule-rows")
        yield Pane(rows, id="schedules", title="Schedules")
        yield Pane(VerticalScroll(Static("", id="next-times", markup=False)), id="times", title="Next times")
        fires = [Column("TIME", 12), Column("DECISION", 12), Column("", least=10)]
        yield Pane(
            Rows(fires, self._fire, empty="it has not fired yet", tail=True, id="fire-rows"),
            id="fires",
            title="What became of it",
        )

    def on_mount(self) -> None:
        """Begin with the schedules."""
        self.refresh_from(None)
        self.query_one("#schedule-rows").focus()
        self.dashboard.actor.read(self.dashboard.feed.read_schedules())

    async def reread(self) -> None:
        """Read the schedules anew, and the times of the one under the cursor."""
        self.dashboard.actor.read(self.dashboard.feed.read_schedules())
        self._read_fires()

    def crumbs(self) -> list[str]:
        """The tenant's schedules."""
        return [self.dashboard.store.tenant or "-", "schedules"]

    def hints(self) -> Sequence[KeyHint]:
        """Pause, resume, fire."""
        return [
            KeyHint("p", "pause", "command_schedule('pause')", self._why_not("pause")),
            KeyHint("r", "resume", "command_schedule('resume')", self._why_not("resume")),
            KeyHint("n", "fire now", "command_schedule('trigger')", self._why_not("trigger")),
            KeyHint("w", "workflow", "workflow"),
            KeyHint("1", "overview", "go('overview')"),
            KeyHint("2", "queues", "go('queues')"),
        ]

    def action_back(self) -> None:
        """Back to the overview."""
        if self.maximised:
            self.action_maximise()
        else:
            self.dashboard.action_go("overview")

    def _chosen(self) -> Document | None:
        return self.dashboard.store.schedules.get(self.query_one("#schedule-rows", Rows).cursor or "")

    def _why_not(self, command: str) -> str | None:
        reason, schedule = self.dashboard.actor.unusable(), self._chosen()
        if reason is not None or schedule is None:
            return reason or "no schedule is selected"
        if schedule["id"] in self._busy:
            return "the service has not answered the last command yet"
        active = schedule["status"] == "active"
        if command == "pause" and not active:
            return f"it is {schedule['status']}"
        return "it is active" if command == "resume" and active else None

    # --- from the store

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Show what changed."""
        if not self.drawn or (dirty is not None and not dirty.keys() & {"schedules", "stats"}):
            return
        schedules, now = self.dashboard.store.schedules, self.dashboard.now
        if dirty is not None and "schedules" in dirty:
            self._read_fires()
        elif any((due := moment(one.get("next_at"))) is not None and due < now for one in schedules.values()):
            self.dashboard.actor.read(self.dashboard.feed.read_schedules())  # One has fired: nothing else tells.
        self.query_one("#schedule-rows", Rows).show(schedules)
        self.query_one("#fire-rows", Rows).say_why_empty("it has not fired yet" if schedules else "")
        self._show_times()
        self.show_keys()

    def _schedule(self, key: str) -> Sequence[Text]:
        schedule, charset, now = self.dashboard.store.schedules[key], self.dashboard.charset, self.dashboard.now
        active = schedule["status"] == "active"
        glyph = charset.glyphs["running" if active else "paused"]
        due = moment(schedule.get("next_at"))
        left = "" if due is None else age(max(0.0, (due - now).total_seconds()))
        told = "..." if key in self._busy else left or str(schedule["status"])
        return (
            Text(glyph, Style(color=STATE_COLOURS["completed" if active else "paused"])),
            plain(schedule["workflow_id"], charset, TEXT if active else MUTED),
            plain(schedule.get("node_id") or "", charset, FAINT),
            plain(schedule.get("when") or schedule.get("cron") or "", charset, MUTED),
            plain(time_of_day(schedule.get("next_at"), now), charset, TEXT),
            plain(told, charset, MUTED),
            plain(time_of_day(schedule.get("last_at"), now), charset, MUTED),
        )

    def _show_times(self) -> None:
        schedule, charset, now = self._chosen(), self.dashboard.charset, self.dashboard.now
        lines: list[Text] = []
        if schedule is not None:
            facts = {name: schedule.get(name) for name in ("when", "timezone", "misfire", "overlap", "node_id")}
            lines = [
                Text(name.ljust(10), Style(color=FAINT)).append_text(plain(value, charset, MUTED))
                for name, value in facts.items()
                if value
            ]
            lines.append(Text(""))
            for at in schedule.get("next_times") or ():
                due = moment(at)
                left = "" if due is None else f"in {age(max(0.0, (due - now).total_seconds()))}"
                day = "" if due is None else due.astimezone().strftime("%a %d %b %H:%M:%S")
                lines.append(plain(day, charset).append(f"   {left}", Style(color=MUTED)))
        self.query_one("#next-times", Static).update(Text("\n").join(lines))

    def _fire(self, key: str) -> Sequence[Text]:
        fire, charset = self._fires[key], self.dashboard.charset
        decision = str(fire.get("decision"))
        colour = (
            STATE_COLOURS["completed"] if decision in {"started", "start", "triggered"} else STATE_COLOURS["waiting"]
        )
        about = fire.get("execution_id") or fire.get("reason") or ""
        return (
            plain(time_of_day(fire.get("scheduled_at"), self.dashboard.now), charset),
            plain(decision, charset, colour),
            plain(about, charset, MUTED),
        )

    # --- choosing

    @on(Rows.Highlighted, "#schedule-rows")
    def _at_schedule(self) -> None:
        self._show_times()
        self._read_fires()
        self.show_keys()

    def _read_fires(self) -> None:
        # Not the coroutine itself: the next one may come before this one has begun.
        _worker: Worker[None] = self.run_worker(self._fires_of, group="fires", exclusive=True, exit_on_error=False)

    async def _fires_of(self) -> None:
        schedule, tenant = self._chosen(), self.dashboard.store.tenant
        try:
            fires = []
            if schedule is not None and tenant is not None:
                fires = await self.dashboard.service.fires(tenant, schedule["id"])
        except (RefusedError, UnreachableError):
            return  # The connection's state is told in the header; it is read again when that is back.
        self._fires = {str(fire["scheduled_at"]): fire for fire in fires}
        self.query_one("#fire-rows", Rows).show(self._fires)

    @on(Rows.Opened, "#fire-rows")
    def _open_execution(self, message: Rows.Opened) -> None:
        execution, tenant = self._fires[message.key].get("execution_id"), self.dashboard.store.tenant
        if execution and tenant is not None:
            self.dashboard.open_execution(tenant, str(execution))

    @on(Rows.Opened, "#schedule-rows")
    def action_workflow(self) -> None:
        """Open the workflow of the schedule."""
        schedule = self._chosen()
        if schedule is not None:
            self.dashboard.open_workflow(str(schedule["workflow_id"]))

    # --- commands

    def action_command_schedule(self, command: str) -> None:
        """Pause, resume or fire the schedule under the cursor."""
        reason, schedule = self._why_not(command), self._chosen()
        if reason is not None or schedule is None:
            self.dashboard.say(f"that is not possible: {reason}", "warning")
            return
        self._busy.add(schedule["id"])
        self.query_one("#schedule-rows", Rows).redraw()
        self.run_worker(self._command(schedule, command), exit_on_error=False)

    async def _command(self, schedule: Document, command: str) -> None:
        app, tenant = self.dashboard, self.dashboard.store.tenant
        try:
            answer = await app.service.schedule(str(tenant), schedule["id"], command)
            await app.feed.read_schedules()
            if command == "trigger":
                app.say(f"started {schedule['workflow_id']} {str(answer['execution_id'])[-6:]}")
        except (RefusedError, UnreachableError) as error:
            app.say(str(error), "error")
        finally:
            self._busy.discard(schedule["id"])
            app.store.touch("schedules")
            self._read_fires()
