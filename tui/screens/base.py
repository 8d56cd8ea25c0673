"""What every screen shares: the header, the panes that fit, the line of keys, the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import BY_NAME, Action, Target
from tui.render.charset import Charset
from tui.widgets.header import Header
from tui.widgets.keybar import KeyBar, KeyHint
from tui.widgets.line import CommandLine
from tui.widgets.payload import Payload
from tui.widgets.surface import Ground

if TYPE_CHECKING:
    from tui.app import Dashboard

Layout = Sequence[str]
"""The ids of the panes to show together."""


class Page(Screen[None]):
    """A full screen of panes. `layouts` says which fit together: for one, two and three panes at once."""

    BLANK = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "next pane", show=False, priority=True),
        Binding("shift+tab", "pane(-1)", "previous pane", show=False, priority=True),
        Binding("m", "maximise", "maximise", show=False),
        Binding("escape", "back", "back", show=False),
        Binding("question_mark", "app.help", "help", show=False),
        Binding("colon", "command", "command line", show=False),
        Binding("slash", "search", "search", show=False),
        Binding("q", "app.quit", "quit", show=False),
        Binding("ctrl+l", "app.reconnect", "reconnect now", show=False),
    ]
    panes: ClassVar[tuple[str, ...]] = ()
    pairs: ClassVar[Mapping[str, Layout]] = {}
    """By the pane that is looked at: those to show when there is room for two."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = self.panes[0] if self.panes else ""
        self.maximised = False

    @property
    def dashboard(self) -> Dashboard:
        """The app."""
        from tui.app import Dashboard  # noqa: PLC0415 - the app imports its screens

        if not isinstance(self.app, Dashboard):
            raise TypeError("the screen belongs to the dashboard")
        return self.app

    @property
    def charset(self) -> Charset:
        """The characters to draw with."""
        return self.dashboard.charset

    @property
    def drawn(self) -> bool:
        """Whether its parts are there."""
        # Asked several times a second: a query through the whole tree was most of what idling cost.
        return self.is_mounted and any(isinstance(child, KeyBar) for child in self.children)

    # --- the frame

    def compose(self) -> ComposeResult:
        """The header, the body, the keys."""
        yield Header()
        yield Ground(*self.body(), id="body")
        yield CommandLine()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """The panes."""
        raise NotImplementedError

    def crumbs(self) -> list[str]:
        """Where one is, for the header."""
        raise NotImplementedError

    def hints(self) -> Sequence[KeyHint]:
        """What can be done here."""
        raise NotImplementedError

    def refresh_from(self, dirty: Mapping[str, set[str]] | None) -> None:
        """Show what changed in the store: by part the keys; None is everything."""
        raise NotImplementedError

    def target(self) -> Target:
        """What an action would be done to."""
        return Target()

    async def reread(self) -> None:
        """Read anew what this screen alone shows: the connection was lost in between."""

    def act(self, action: Action) -> None:
        """Do it to what is looked at."""
        self.dashboard.actor.act(action, self.target())

    def action_act(self, name: str) -> None:
        """Do it, by name."""
        self.act(BY_NAME[name])

    def on_mount(self) -> None:
        """Show what there is."""
        self.lay_out()

    def on_screen_resume(self) -> None:
        """The store may have changed while another screen was in front."""
        self.refresh_from(None)
        self.show_keys()

    def on_resize(self) -> None:
        """As many panes as fit."""
        self.lay_out()

    def show_keys(self) -> None:
        """Show the hints as they are now."""
        if self.drawn:
            self.query_one(KeyBar).show([*self.hints(), KeyHint("?", "", "help")])

    # --- panes

    def lay_out(self) -> None:
        """Show the panes that there is room for; the one that is looked at is always among them."""
        if not self.panes or not self.drawn:
            return
        width = self.app.size.width
        shown: Layout = self.panes
        if self.maximised or width < 80:
            shown = (self.looked_at,)
        elif width <= 120:
            shown = self.pairs.get(self.looked_at, self.panes[:2])
        self.set_class(self.maximised or width < 80, "-single")
        self.set_class(width <= 120, "-pair")
        for name in self.panes:
            self.query_one(f"#{name}").display = name in shown

    def action_pane(self, by: int) -> None:
        """Go to the next place that takes keys, or the one before; a pane that is not in sight comes into it."""
        stops = [widget for name in self.panes for widget in self._stops(self.query_one(f"#{name}"))]
        if stops:
            here = stops.index(self.focused) if self.focused in stops else -1
            self.go_to(stops[(here + by) % len(stops)])

    def go_to(self, widget: Widget) -> None:
        """Give a widget the focus, and its pane a place on the screen."""
        pane = self._pane_of(widget)
        if pane is not None:
            self.looked_at = pane
            self.lay_out()
        widget.focus()

    def _stops(self, pane: Widget) -> list[Widget]:
        """What takes keys in a pane, and isn't hidden within it."""
        found = []
        for widget in pane.walk_children(Widget):
            around = [widget, *(node for node in widget.ancestors if isinstance(node, Widget))]
            inside = around[: around.index(pane)]
            if widget.can_focus and all(node.display for node in inside):
                found.append(widget)
        return found

    def _pane_of(self, widget: Widget | None) -> str | None:
        around = [] if widget is None else [widget, *widget.ancestors]
        return next((node.id for node in around if node.id in self.panes), None)

    def on_descendant_focus(self) -> None:
        """What has the focus is looked at."""
        pane = self._pane_of(self.focused)
        if pane is not None and pane != self.looked_at:
            self.looked_at = pane
            self.lay_out()
        self.show_keys()

    def action_maximise(self) -> None:
        """Show the pane that is looked at alone, or all again."""
        self.maximised = not self.maximised
        self.lay_out()

    def action_back(self) -> None:
        """Leave the screen."""
        if self.maximised:
            self.action_maximise()
        elif len(self.app.screen_stack) > 2:
            self.app.pop_screen()

    # --- the command line

    def action_command(self) -> None:
        """Open the command line."""
        self.query_one(CommandLine).open(":", "", self.dashboard.commands.words())

    @on(CommandLine.Entered)
    async def _entered(self, message: CommandLine.Entered) -> None:
        message.stop()
        if message.prompt == ":":
            await self.dashboard.commands.run(message.text)
        else:
            self.entered(message.text)

    def entered(self, text: str) -> None:
        """A text to look for was entered."""
        payload = self._searched()
        if payload is None:
            self.dashboard.say("there is nothing to search in here", "warning")
        elif not payload.search(text) and text:
            self.dashboard.say(f"{text!r} is not there", "warning")

    def action_search(self) -> None:
        """Ask for a text to look for; where there is nothing to search, what is typed next must be no commands."""
        payload = self._searched()
        if payload is not None:
            self.go_to(payload)
        self.query_one(CommandLine).open("/", "", [], "search in what is shown")

    @on(Payload.Search)
    def _search(self) -> None:
        self.action_search()

    @on(Payload.Copied)
    def _copied(self, message: Payload.Copied) -> None:
        self.dashboard.copy(message.text, message.what)

    def _searched(self) -> Payload | None:
        """What can be searched: the one that is looked at, or else the first."""
        if isinstance(self.focused, Payload):
            return self.focused
        stops = [widget for name in self.panes for widget in self._stops(self.query_one(f"#{name}"))]
        return next((widget for widget in stops if isinstance(widget, Payload)), None)

    @on(KeyBar.Pressed)
    async def _pressed(self, message: KeyBar.Pressed) -> None:
        message.stop()
        await self.run_action(message.action if "." in message.action else self._scoped(message.action))

    def _scoped(self, action: str) -> str:
        name = action.partition("(")[0]
        return action if hasattr(self, f"action_{name}") else f"app.{action}"
