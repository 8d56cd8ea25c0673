"""Queues and workers: how deep, how many run, how fast, how long a job waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.look import plain, style
from tui.render.sparkline import sparkline
from tui.render.text import count, counted, duration, size
from tui.screens.base import Page
from tui.theme import ACCENT, FAINT, MUTED, STATE_COLOURS, TEXT
from tui.widgets.cells import Column
from tui.widgets.keybar import KeyHint
from tui.widgets.pane import Pane
from tui.widgets.rows import Rows

_PURPOSE = {
    "webhook": "inbound events, outbound calls",
    "agent": "models, their tools, code",
    "response": "answers and messages",
    "scheduler": "time: cron, delays, retries",
}
_STATES = ("queued", "running", "waiting", "paused", "cancelling")


class QueuesScreen(Page):
    """What the workers do."""

    panes: ClassVar[tuple[str, ...]] = ("workers", "load", "service")
    pairs: ClassVar[Mapping[str, Sequence[str]]] = {
        "workers": ("workers", "load"),
        "load": ("workers", "load"),
        "service": ("workers", "service"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "app.go('overview')", "overview", show=False),
        Binding("3", "app.go('schedules')", "schedules", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Workers over tenants and the service's own figures."""
        columns = [
            Column("WORKER", 10),
            Column("QUEUED", 7, "right"),
            Column("RUNNING", 12),
            Column("RATE", 8, "right"),
            Column("WAIT P50", 8, "right", drop=66),
            Column("P99", 7, "right", drop=60),
            Column("RUN P50", 8, "right", drop=84),
            Column("P99", 7, "right", drop=84),
            Column("", least=10, drop=110),
        ]
        yield Pane(
            Rows(columns, self._worker, empty="reading", id="worker-rows"), id="workers", title="Queues and workers"
        )
        tenants = [Column("TENANT", least=8), *(Column(name.upper(), 7, "right") for name in _STATES[:4])]
        rows = Rows([*tenants, Column("STEPS/S", 8, "right")], self._tenant, empty="nothing is live", id="load-rows")
        yield Pane(rows, id="load", title="Tenants")
        facts = VerticalScroll(Static("", id="facts", markup=False))
        yield Pane(facts, id="service", title="Service")

    def on_mount(self) -> None:
        """Begin with the workers."""
        self.refresh_from(None)
        self.query_one("#worker-rows").focus()

    def crumbs(self) -> list[str]:
        """The service, not a tenant."""
        return ["service", "queues"]

    def hints(self) -> Sequence[KeyHint]:
        """Where to go."""
        return [
            KeyHint("1", "overview", "go('overview')"),
            KeyHint("3", "schedules", "go('schedules')"),
            KeyHint("m", "maximise", "maximise"),
        ]

    def action_back(self) -> None:
        """Back to the overview."""
        if self.maximised:
            self.action_maximise()
        else:
            self.dashboard.action_go("overview")

    # --- from the store

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Show the figures."""
        if not self.drawn or (dirty is not None and "stats" not in dirty):
            return
        workers, load = self.query_one("#worker-rows", Rows), self.query_one("#load-rows", Rows)
        if not self.dashboard.feed.operator:
            for rows in (workers, load):
                rows.say_why_empty("this key sees its own tenant alone")
        workers.show(self._workers())
        load.show([str(one["tenant_id"]) for one in self._figures().get("tenants") or ()])
        self.query_one("#facts", Static).update(Text("\n").join(self._facts()))

    def _figures(self) -> dict[str, Any]:
        found = self.dashboard.store.stats.get("service")
        return found if isinstance(found, dict) else {}

    def _workers(self) -> dict[str, dict[str, Any]]:
        return self._figures().get("workers") or {}

    # --- rows

    def _worker(self, key: str) -> Sequence[Text]:
        worker, charset = self._workers().get(key, {}), self.dashboard.charset
        queued, running, capacity = (int(worker.get(name) or 0) for name in ("queued", "running", "capacity"))
        wait, run = worker.get("wait") or {}, worker.get("run") or {}
        full = round(6 * running / capacity) if capacity else 0
        bar = Text(charset.full * max(full, 1 if running else 0), style("state.running"))
        bar.append(charset.empty * (6 - bar.cell_len), style("bar.rest"))
        bar.append(f" {count(running)}", Style(color=TEXT if running else MUTED))
        return (
            plain(key, charset, TEXT, bold=True),
            plain(count(queued), charset, STATE_COLOURS["waiting"] if queued else MUTED),
            bar,
            plain(_rate(worker.get("rate")), charset, TEXT),
            plain(_seconds(wait.get("p50")), charset, MUTED),
            plain(_seconds(wait.get("p99")), charset, MUTED),
            plain(_seconds(run.get("p50")), charset, MUTED),
            plain(_seconds(run.get("p99")), charset, MUTED),
            plain(_PURPOSE.get(key, ""), charset, FAINT),
        )

    def _tenant(self, key: str) -> Sequence[Text]:
        tenants = self._figures().get("tenants") or ()
        tenant: dict[str, Any] = next((one for one in tenants if str(one["tenant_id"]) == key), {})
        states, charset = tenant.get("executions") or {}, self.dashboard.charset
        numbers = [
            plain(count(states.get(name) or 0), charset, STATE_COLOURS[name] if states.get(name) else FAINT)
            for name in _STATES[:4]
        ]
        return plain(key, charset), *numbers, plain(_rate(tenant.get("steps_per_second")), charset, MUTED)

    def _facts(self) -> list[Text]:
        figures, charset = self._figures(), self.dashboard.charset
        if not figures:
            told = "reading" if self.dashboard.feed.operator else "this key sees its own tenant alone"
            return [Text(told, style("hint"))]
        line, hour, writer = (figures.get(name) or {} for name in ("timeline", "last_hour", "writer"))
        commit = writer.get("commit") or {}
        width = 12
        facts = [
            ("steps/s", _rate(figures.get("steps_per_second")), TEXT),
            ("started", sparkline(line.get("started") or [], width, charset), ACCENT),
            ("completed", sparkline(line.get("completed") or [], width, charset), STATE_COLOURS["completed"]),
            ("failed", sparkline(line.get("failed") or [], width, charset), STATE_COLOURS["failed"]),
            ("last hour", f"{count(hour.get('started') or 0)} started, {count(hour.get('failed') or 0)} failed", MUTED),
            ("commits/s", _rate(writer.get("commits_per_second")), TEXT),
            ("units/s", _rate(writer.get("units_per_second")), TEXT),
            ("commit", f"{_seconds(commit.get('p50'))} p50  {_seconds(commit.get('p99'))} p99", MUTED),
            ("timers", f"{(figures.get('timers') or {}).get('within_minute', 0)} within a minute", MUTED),
            ("in memory", counted(figures.get("executions_in_memory") or 0, "execution"), MUTED),
            ("memory", size(figures.get("memory") or 0), MUTED),
            ("streams", str(figures.get("streams") or 0), MUTED),
            ("uptime", duration(figures.get("uptime") or 0), MUTED),
            ("version", f"{figures.get('version')}  epoch {figures.get('epoch')}", MUTED),
        ]
        return [
            Text(name.ljust(11), Style(color=FAINT)).append(str(value), Style(color=colour))
            for name, value, colour in facts
        ]


def _rate(value: object) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{value:.1f}" if value < 100 else count(round(value))


def _seconds(value: object) -> str:
    return duration(value) if isinstance(value, int | float) else "-"
