"""Commands by name: the line that `:` opens, and the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

if TYPE_CHECKING:
    from tui.app import Dashboard


_ID_LENGTH = 36


class Commands:
    """Each takes the rest of its line."""

    def __init__(self, app: Dashboard) -> None:
        self._app = app
        self._by_name: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "overview": lambda _: app.action_go("overview"),
            "executions": lambda _: app.action_go("overview"),
            "queues": lambda _: app.action_go("queues"),
            "schedules": lambda _: app.action_go("schedules"),
            "help": lambda _: app.action_help(),
            "reconnect": lambda _: app.action_reconnect(),
            "quit": lambda _: app.exit(),
            "q": lambda _: app.exit(),
            "tenant": self._tenant,
            "start": app.action_start,
            "workflow": self._workflow,
            "open": self._open,
            "filter": app.filter_by,
            "live": lambda _: app.filter_by("status:live"),
            "failed": lambda _: app.filter_by("status:failed"),
        }

    def words(self) -> list[str]:
        """What the line suggests."""
        words = [*self._by_name, *self._app.actor.command_words()]
        words += [f"tenant {tenant}" for tenant in self._app.store.tenants]
        for workflow in self._app.store.workflows:
            words += [f"start {workflow}", f"workflow {workflow}"]
        return words

    async def run(self, line: str) -> None:
        """Carry out a line."""
        name, _, rest = line.strip().partition(" ")
        command = self._by_name.get(name)
        if command is not None:
            done = command(rest.strip())
            if done is not None:
                await done
        elif name and not self._app.actor.run_command(name):
            self._app.say(f"there is no command {name!r}; `?` lists the keys", "warning")

    def _tenant(self, tenant: str) -> None:
        if tenant in self._app.store.tenants:
            self._app.action_go("overview")
            self._app.actor.read(self._app.feed.choose_tenant(tenant))
        else:
            self._app.say(f"there is no tenant {tenant!r}", "warning")

    def _workflow(self, workflow: str) -> None:
        if workflow in self._app.store.workflows:
            self._app.open_workflow(workflow)
        else:
            self._app.say(f"there is no workflow {workflow!r}", "warning")

    def _open(self, text: str) -> None:
        """Open the one execution whose id begins or ends with the text."""
        tenant, held = self._app.store.tenant, self._app.store.page.ids
        found = {key for key in held if text and (key.startswith(text) or key.endswith(text))}
        if tenant is None:
            return
        if not text:
            self._app.say("open which? the beginning of an id, or the end that the list shows", "warning")
        elif len(text) == _ID_LENGTH or len(found) == 1:
            self._app.open_execution(tenant, found.pop() if found else text)
        else:
            self._app.actor.read(self._find(tenant, text, found))

    async def _find(self, tenant: str, text: str, found: set[str]) -> None:
        """Ask the service, which looks for beginnings: ends are known of what the list holds alone."""
        items, _ = await self._app.service.executions(tenant, limit=20, q=text)
        found |= {one["id"] for one in items if one["id"].startswith(text)}
        if len(found) == 1:
            self._app.open_execution(tenant, found.pop())
        elif found:
            self._app.say(f"several ids begin or end with {text}: write more of it", "warning")
        else:
            self._app.say(f"no id begins with {text}, and none in the list ends with it", "warning")

    def palette(self) -> Iterable[SystemCommand]:
        """Everything by name, for ctrl+p."""
        app = self._app
        yield SystemCommand("Overview", "Tenants, workflows, executions", partial(app.action_go, "overview"))
        yield SystemCommand("Queues and workers", "Depth, running, rate, latency", partial(app.action_go, "queues"))
        yield SystemCommand("Schedules", "What fires when", partial(app.action_go, "schedules"))
        yield SystemCommand("Help", "Every key", app.action_help)
        yield SystemCommand("Reconnect", "Try the connection now", app.action_reconnect)
        for workflow in app.store.workflows:
            yield SystemCommand(f"Start {workflow}", "Open its form", partial(app.action_start, workflow))
            yield SystemCommand(f"Workflow {workflow}", "Look at it", partial(app.open_workflow, workflow))
        yield from app.actor.system_commands()
        yield SystemCommand("Quit", "Leave the dashboard", app.exit)
