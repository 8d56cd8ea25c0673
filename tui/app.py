"""The dashboard: keeps the connection, hands what changed to the screen in front, and carries out commands.

The other screens are imported when they are first opened: their renderers would be half of the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, Key
from textual.screen import Screen
from textual.theme import Theme

from tui.acting import Actor
from tui.client import Client
from tui.commanding import Commands
from tui.connection import Connection
from tui.feed import Feed
from tui.key_turns import KeyTurns
from tui.look import utc_now
from tui.place import Options
from tui.render.charset import ASCII, UNICODE, Charset
from tui.running import collect_from_now_on
from tui.screens.base import Page
from tui.screens.overview import Overview
from tui.service import Service
from tui.store import Store
from tui.theme import DARK
from tui.widgets.header import Header
from tui.widgets.palette import Palette

FLUSHES_A_SECOND = 8
_HEADERS_A_SECOND = 1
_STARTED_SECONDS = 2.0
"""After which what the dashboard consists of is there."""
_MOST_SHARE = 0.02
"""Of a core: when a flood of news costs more, lists are drawn less often."""
_LONGEST_PAUSE = 2.0
"""Seconds from one drawing of the lists to the next at most: in a flood nobody reads single rows."""
_LISTS = frozenset({"executions", "stats"})


class Dashboard(App[None]):
    """The application. Everything that is read comes through the feed into the store, and from there to a screen."""

    CSS_PATH = "dashboard.tcss"
    TITLE = "flowrun"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        Binding("f1", "help", "help", show=False),
    ]

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self.charset: Charset = ASCII if options.ascii else UNICODE
        self.client = Client(options.place)
        self.service = Service(self.client)
        self.store = Store()
        self.connection = Connection()
        self.clock: Callable[[], float] = time.monotonic
        self.feed = Feed(self.service, self.store, self.connection, options.tenant)
        self.actor = Actor(self)
        self.commands = Commands(self)
        self._keys = KeyTurns(self, super().on_event)
        self._said_at = 0.0
        self._said_of: Page | None = None
        self._spent = time.process_time()
        self._lists_at = 0.0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The style sheet is read before the theme is there."""
        return dict(DARK.variables)

    def on_mount(self) -> None:
        """Begin to read, and to show what was read."""
        theme: Theme = DARK
        self.register_theme(theme)
        self.theme = theme.name
        self.set_class(self.charset is ASCII, "-ascii")
        self.push_screen(Overview())
        self.feed.on_resync = self._reread
        self.run_worker(self.feed.run(), name="feed", exit_on_error=True)
        self.set_interval(1 / FLUSHES_A_SECOND, self.flush)
        self.set_timer(_STARTED_SECONDS, collect_from_now_on)

    async def on_event(self, event: Event) -> None:
        """Let keys have their effect one after the other."""
        if isinstance(event, Key) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    async def on_unmount(self) -> None:
        """Close the connections."""
        await self.client.close()

    # --- from the store to the screen

    @property
    def page(self) -> Page | None:
        """The screen in front, or the one under a dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def flush(self) -> None:
        """Show what changed since the last time."""
        page = self.page
        if page is None or not page.drawn:
            return
        self._say(page)
        if self.store.dirty and (not self.store.dirty.keys() <= _LISTS or self.clock() >= self._lists_at):
            page.refresh_from(self.store.take_dirty())
            page.show_keys()
            self._breathe()

    def _breathe(self) -> None:
        """Set when lists are drawn next: the more the last news cost, the later."""
        spent, self._spent = time.process_time() - self._spent, time.process_time()
        self._lists_at = self.clock() + min(_LONGEST_PAUSE, spent / _MOST_SHARE)

    def _say(self, page: Page) -> None:
        now = self.clock()
        usable = self.connection.usable(now)
        if page.has_class("-offline") is usable:
            page.set_class(not usable, "-offline")
            page.show_keys()
        elif now < self._said_at + 1 / _HEADERS_A_SECOND and page is self._said_of:
            return
        self._said_at, self._said_of = now, page
        crumbs = page.crumbs()
        note = "" if self.connection.opened else self.connection.why
        context = self.options.place.label + (" read only" if self.options.readonly else "")
        words = self.connection.words(now)
        header = page.query_one(Header)
        header.say(self.connection.link(now), words, crumbs, context, note, charset=self.charset)

    async def _reread(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                await screen.reread()

    # --- going places

    def open_execution(self, tenant: str, execution: str) -> None:
        """Look at one execution."""
        from tui.screens.execution import ExecutionScreen  # noqa: PLC0415

        self.push_screen(ExecutionScreen(tenant, execution))

    def open_workflow(self, workflow: str, tenant: str | None = None) -> None:
        """Look at one workflow, of the tenant that is looked at unless another is named."""
        from tui.screens.workflow import WorkflowScreen  # noqa: PLC0415

        tenant = tenant or self.store.tenant
        if tenant is not None:
            self.push_screen(WorkflowScreen(tenant, workflow))

    def action_go(self, place: str) -> None:
        """Go to one of the first screens."""
        from tui.screens.queues import QueuesScreen  # noqa: PLC0415
        from tui.screens.schedules import SchedulesScreen  # noqa: PLC0415

        kinds: dict[str, type[Page]] = {
            "overview": Overview,
            "queues": QueuesScreen,
            "schedules": SchedulesScreen,
        }
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if not isinstance(self.screen, kinds[place]):
            self.switch_screen(kinds[place]())

    def action_start(self, workflow: str = "") -> None:
        """Open the form that starts a workflow."""
        from tui.screens.start import StartScreen  # noqa: PLC0415

        reason = self.actor.unusable()
        if reason is not None:
            self.say(f"start is not possible: {reason}", "warning")
        elif not workflow:
            there_are = "choose a workflow first, or enter `:start NAME`"
            none = "there is no workflow yet: `flowrun apply FILE` brings one"
            self.say(there_are if self.store.workflows else none, "warning")
        elif self.store.tenant is not None:
            self.push_screen(StartScreen(self.store.tenant, workflow))

    def action_help(self) -> None:
        """Show the keys."""
        from tui.screens.help import HelpScreen  # noqa: PLC0415

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_reconnect(self) -> None:
        """Try to connect now."""
        self.feed.reconnect()

    def say(self, text: str, severity: str = "information") -> None:
        """Tell something in a corner; never read as markup."""
        level: Any = severity
        self.notify(text, severity=level, timeout=6, markup=False)

    def unmark(self, executions: Iterable[str]) -> None:
        """Take the marks of these away: what they were marked for is done."""
        done = set(executions)
        for screen in self.screen_stack:
            if isinstance(screen, Overview):
                screen.unmark(done)

    def copy(self, text: str, what: str) -> None:
        """Copy a text to the terminal's clipboard."""
        self.copy_to_clipboard(text)
        self.say(f"copied {what}")

    def filter_by(self, text: str) -> None:
        """Go to the overview and show the executions that the text describes."""
        self.action_go("overview")
        self.call_after_refresh(self._filter_now, text)

    def _filter_now(self, text: str) -> None:
        if isinstance(self.screen, Overview):
            self.screen.filter_by(text)

    @property
    def now(self) -> datetime:
        """The time of the day, for what has lasted since."""
        return utc_now()

    def action_command_palette(self) -> None:
        """Open the palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """What the palette offers."""
        return self.commands.palette()
