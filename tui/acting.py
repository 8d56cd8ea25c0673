"""From a key to a command of the service: is it possible, does one mean it, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand

from tui.actions import (
    BY_NAME,
    CANCEL,
    EXECUTION_ACTIONS,
    RERUN,
    RERUN_FROM,
    SIGNAL,
    SKIP,
    TERMINATE,
    Action,
    Target,
    unusable,
    why_not,
)
from tui.client import RefusedError, UnreachableError
from tui.form import ANY_DATA, signal_form, skip_form
from tui.look import short_id
from tui.render.text import counted
from tui.screens.dialogs import Confirm, Form
from tui.widgets.keybar import KeyHint

if TYPE_CHECKING:
    from tui.app import Dashboard

Document = dict[str, Any]
_SIGNAL = "POST /api/v1/tenants/{tenant}/executions/{execution}/signal"
_MOST_NAMES = 6
"""Executions that a question names; of more it says how many."""


class Actor:
    """Carries out actions. Nothing is shown as done before the service has said so."""

    def __init__(self, app: Dashboard) -> None:
        self._app = app

    # --- what is possible

    def unusable(self) -> str | None:
        """Why nothing at all can be done; None when something can."""
        app, now = self._app, self._app.clock()
        connection = app.connection
        return unusable(
            readonly=app.options.readonly, connected=connection.usable(now), link=connection.link(now).value
        )

    def why_not(self, action: Action, target: Target) -> str | None:
        """Why the action is not possible now; None when it is."""
        reason = self.unusable()
        if reason is not None:
            return reason
        if action is SIGNAL and self._app.store.operations and _SIGNAL not in self._app.store.operations:
            return "this version of the service takes no signals"
        if target.marked:
            return self._why_not_all(action, target.marked)
        if target.execution is not None and target.execution["id"] in self._app.store.pending:
            return "the service has not answered the last command yet"
        return why_not(action, target.execution, target.node)

    def _why_not_all(self, action: Action, marked: list[Document]) -> str | None:
        if not action.bulk:
            return f"{action.label} takes one execution; {len(marked)} are marked"
        reasons = [why_not(action, execution) for execution in marked]
        return None if None in reasons else reasons[0]

    def hints(self, actions: Iterable[Action], target: Target) -> list[KeyHint]:
        """The actions for the line of keys, each with the reason why it is dimmed."""
        return [
            KeyHint(action.key, action.label, f"act('{action.name}')", self.why_not(action, target))
            for action in actions
        ]

    # --- doing it

    def act(self, action: Action, target: Target) -> None:
        """Do it, after the question that it may need; say why when it can't be done."""
        reason = self.why_not(action, target)
        if reason is not None:
            self._app.say(f"{action.label} is not possible: {reason}", "warning")
        elif target.marked:
            self._act_on_marked(action, target.marked)
        elif target.execution is None:
            return
        elif action in {CANCEL, TERMINATE}:
            self._ask(action, target.execution)
        elif action is SKIP and target.node is not None:
            self._ask_output(target.execution, target.node)
        elif action is SIGNAL:
            self.read(self._ask_signal(target.execution, target.node))
        else:
            self._send(action, target.execution, self._body(action, target))

    def _body(self, action: Action, target: Target) -> Document:
        return {"from_node": target.node["node_id"]} if action is RERUN_FROM and target.node is not None else {}

    def _ask(self, action: Action, execution: Document) -> None:
        running = self._running(execution)
        what = f"{counted(len(running), 'node')} will stop: {', '.join(running)}" if running else ""
        how = "Running nodes are told to stop and may tidy up." if action is CANCEL else "Running nodes are cut off."
        lines = [line for line in (what, how, "Completed nodes keep their results.") if line]

        def answered(yes: bool | None) -> None:
            if yes:
                self._send(action, execution, {})

        self._app.push_screen(
            Confirm(f"{action.label.capitalize()} {_name(execution)}?", lines, action.label), answered
        )

    def _running(self, execution: Document) -> list[str]:
        detail = self._app.store.detail
        if detail is not None and detail.id == execution["id"] and detail.runs:
            live = {"queued", "running", "retrying", "waiting"}
            return sorted({node for (node, _), run in detail.runs.items() if run.get("status") in live})[:8]
        nodes = execution.get("nodes")
        return list(nodes.get("running") or ()) if isinstance(nodes, dict) else []

    def _ask_output(self, execution: Document, node: Document) -> None:
        def answered(values: Document | None) -> None:
            if values is not None:
                run = str(node["node_id"]), str(node.get("iteration") or "")
                output, port = values.get("output"), values.get("port", "")
                call = self._app.service.skip(execution["tenant_id"], execution["id"], run, output, port)
                self._carry_out(SKIP, execution, call)

        detail = self._app.store.detail
        definition = None if detail is None else detail.definition
        note = "The node is completed with this output, and the execution goes on."
        title = f"Skip {node['node_id']} of {_name(execution)}"
        fields = skip_form(definition or {}, str(node["node_id"]))
        self._app.push_screen(Form(title, note, fields, "skip", self.unusable), answered)

    async def _ask_signal(self, execution: Document, node: Document | None) -> None:
        """Ask for what the waiting node wants; the selected one goes before others."""
        waits = await self._app.service.waits(execution["tenant_id"], execution["id"])
        if not waits:
            self._app.say("signal is not possible: no node waits for one", "warning")
            return
        here = node["node_id"] if node else None
        wait = next((one for one in waits if one["node_id"] == here), waits[0])
        fields, note = signal_form(wait)

        def answered(values: Document | None) -> None:
            if values is not None:
                whole = fields[0].name == ANY_DATA
                data = values.get(ANY_DATA) if whole else values
                body = {"node_id": wait["node_id"], "iteration": wait.get("iteration") or "", "data": data}
                self._send(SIGNAL, execution, body)

        title = f"Signal {wait['signal']} for {wait['node_id']} of {_name(execution)}"
        self._app.push_screen(Form(title, note, fields, "send", self.unusable), answered)

    def _act_on_marked(self, action: Action, marked: list[Document]) -> None:
        """Do it to those whose state allows it; the others are told, and stay marked."""
        reasons = [why_not(action, one) for one in marked]
        fit = [one for one, reason in zip(marked, reasons, strict=True) if reason is None]
        whys = [reason for reason in reasons if reason is not None]

        def answered(yes: bool | None) -> None:
            if yes:
                self._app.run_worker(self._bulk(action, fit, len(whys)), exit_on_error=False)

        if action not in {CANCEL, TERMINATE}:
            answered(yes=True)
            return

        names = [_name(one) for one in fit[:_MOST_NAMES]]
        more = [f"and {len(fit) - _MOST_NAMES} more"] if len(fit) > _MOST_NAMES else []
        alone = [f"{count} left alone: {why}" for why, count in Counter(whys).most_common()]
        lines = [*names, *more, *([""] if alone else []), *alone]
        title = f"{action.label.capitalize()} {counted(len(fit), 'execution')}?"
        self._app.push_screen(Confirm(title, lines, action.label), answered)

    async def _bulk(self, action: Action, marked: list[Document], left: int) -> None:
        store, tenant = self._app.store, str(marked[0]["tenant_id"])
        for one in marked:
            store.sent(one["id"], action.doing, str(one["status"]))
        try:
            answer = await self._app.service.bulk(tenant, action, [one["id"] for one in marked])
        except (RefusedError, UnreachableError) as error:
            self._app.say(f"{action.label}: {error}", "error")
        else:
            done = [result for result in answer["results"] if "error" not in result]
            for result in done:
                store.put_execution({"id": result["execution_id"], "tenant_id": tenant, "status": result["status"]})
            self._app.unmark(result["execution_id"] for result in done)
            refused = [result["error"]["message"] for result in answer["results"] if "error" in result]
            failed = f", {len(refused)} refused: {refused[0]}" if refused else ""
            alone = f", {left} left alone" if left else ""
            self._app.say(f"{action.label}: {len(done)} done{alone}{failed}", "warning" if failed else "information")
        finally:
            for one in marked:
                store.settled(one["id"])

    def _send(self, action: Action, execution: Document, body: Document) -> None:
        call = self._app.service.act(execution["tenant_id"], execution["id"], action, body)
        self._carry_out(action, execution, call)

    def _carry_out(self, action: Action, execution: Document, call: Awaitable[Document]) -> None:
        self._app.store.sent(execution["id"], action.doing, str(execution["status"]))
        self._app.run_worker(self._told(action, execution, call), exit_on_error=False)

    async def _told(self, action: Action, execution: Document, call: Awaitable[Document]) -> None:
        app, tenant, name = self._app, str(execution["tenant_id"]), str(execution["id"])
        try:
            answer = await call
            if action in {RERUN, RERUN_FROM}:
                app.say(f"started {short_id(answer['execution_id'])} anew")
                app.store.put_execution(await app.service.execution(tenant, answer["execution_id"]))
            else:
                app.store.put_execution(await app.service.execution(tenant, name))
        except (RefusedError, UnreachableError) as error:
            app.say(f"{action.label}: {error}", "error")
        finally:
            app.store.settled(name)

    def read(self, call: Awaitable[None]) -> None:
        """Read something in the background; say when that fails."""

        async def reading() -> None:
            try:
                await call
            except (RefusedError, UnreachableError) as error:
                self._app.say(str(error), "error")

        self._app.run_worker(reading(), exit_on_error=False)

    # --- by name

    def command_words(self) -> list[str]:
        """What the command line suggests."""
        return [action.name.replace("_", "-") for action in EXECUTION_ACTIONS]

    def run_command(self, name: str) -> bool:
        """Act by name on what the screen in front shows; gives whether there is such an action."""
        action = BY_NAME.get(name.replace("-", "_"))
        page = self._app.page
        if action is None or page is None:
            return False
        self.act(action, page.target())
        return True

    def system_commands(self) -> Iterable[SystemCommand]:
        """What the palette offers for the execution that is looked at."""
        page = self._app.page
        target = Target(None) if page is None else page.target()
        for action in EXECUTION_ACTIONS:
            reason = self.why_not(action, target)
            yield SystemCommand(action.label.capitalize(), reason or action.help, partial(self.act, action, target))


def _name(execution: Document) -> str:
    return f"{execution['workflow_id']} {short_id(execution['id'])}"
