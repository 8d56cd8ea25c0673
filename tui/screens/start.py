"""The form that starts a workflow: a field for each input that it declares, else one for JSON."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static, TextArea

from tui.client import RefusedError, UnreachableError
from tui.form import FormField, fields_of, read_fields, read_json, startable
from tui.look import plain, short_id
from tui.screens.dialogs import label
from tui.theme import MUTED, STATE_COLOURS


class StartScreen(ModalScreen[None]):
    """Opened for one workflow; closes when the service has started it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "leave", show=False),
        Binding("ctrl+s,ctrl+enter", "send", "start", show=False, priority=True),
    ]

    def __init__(self, tenant: str, workflow: str) -> None:
        super().__init__()
        self._tenant = tenant
        self._workflow = workflow
        self._fields: tuple[FormField, ...] = ()
        self._ready = False
        self._sending = False
        self._sent: dict[str, Any] | None = None
        self._key = ""

    def compose(self) -> ComposeResult:
        """Empty until the workflow was read."""
        dialog = Vertical(
            Static("reading", id="question", markup=False),
            VerticalScroll(id="fields"),
            Static("", id="wrong", markup=False),
            Horizontal(
                Button("Cancel", id="no", compact=True), Button("Start  ctrl+s", id="yes", compact=True), id="buttons"
            ),
            id="dialog",
        )
        dialog.border_title = Content(f"Start {self._workflow}")
        yield dialog

    @property
    def dashboard(self) -> Any:  # noqa: ANN401 - the app imports its screens
        """The app."""
        return self.app

    def on_mount(self) -> None:
        """Read the workflow."""
        self.run_worker(self._read(), exit_on_error=False)

    async def _read(self) -> None:
        try:
            definition = await self.dashboard.service.workflow(self._tenant, self._workflow)
        except (RefusedError, UnreachableError) as error:
            self._say(str(error))
            return
        note = str(definition.get("description") or definition.get("name") or "")
        if definition["status"] != "published":
            self._say(f"it is {definition['status']}; only a published workflow starts")
        elif not startable(definition):
            self._say("it has no trigger that can be fired by hand")
        self.query_one("#question", Static).update(plain(note, self.dashboard.charset, MUTED))
        self._fields = fields_of(definition)
        place = self.query_one("#fields")
        for field in self._fields:
            await place.mount(Static(label(field, self.dashboard.charset), classes="label", markup=False))
            await place.mount(
                Input(field.text, placeholder=field.hint, id=f"field-{self._fields.index(field)}", compact=True)
            )
        if not self._fields:
            await place.mount(Static("input  JSON", classes="label", markup=False))
            await place.mount(TextArea("", id="whole", compact=True, tab_behavior="focus"))
        self._ready = True
        # The first field is in sight, with its name above it: brought there, it would be without.
        (self.query(Input).first() if self._fields else self.query_one(TextArea)).focus(scroll_visible=False)

    def _say(self, text: str) -> None:
        if not self.is_attached:
            self.dashboard.say(f"start {self._workflow}: {text}", "error")
            return
        self.query_one("#wrong", Static).update(plain(text, self.dashboard.charset, STATE_COLOURS["failed"]))

    # --- sending

    @on(Input.Submitted)
    def _next(self, message: Input.Submitted) -> None:
        """Enter goes on to the next field, and starts from the last one."""
        inputs = list(self.query(Input))
        place = inputs.index(message.input) + 1
        if place < len(inputs):
            inputs[place].focus()
        else:
            self.action_send()

    @on(Button.Pressed)
    def _pressed(self, message: Button.Pressed) -> None:
        if message.button.id == "yes":
            self.action_send()
        else:
            self.dismiss()

    def action_send(self) -> None:
        """Start the workflow with what was entered."""
        if not self._ready or self._sending:
            return
        reason = self.dashboard.actor.unusable()
        if reason is not None:
            self._say(f"not possible: {reason}")
            return
        try:
            body = self._body()
        except ValueError as error:
            self._say(str(error))
            return
        self._sending = True
        self._say("")
        self.query_one("#yes", Button).label = "starting..."
        # By the app: what was sent is told of, even when nobody waits here any more.
        self.app.run_worker(self._send(body), exit_on_error=False)

    def _body(self) -> dict[str, Any]:
        if not self._fields:
            return {"input": read_json(self.query_one(TextArea).text)}
        texts = {field.name: self.query_one(f"#field-{place}", Input).value for place, field in enumerate(self._fields)}
        values, wrong = read_fields(self._fields, texts)
        if wrong:
            first = next(place for place, field in enumerate(self._fields) if field.name in wrong)
            self.query_one(f"#field-{first}").focus()
            raise ValueError("; ".join(f"{name} {what}" for name, what in wrong.items()))
        return {"input": values}

    def _key_for(self, body: dict[str, Any]) -> str:
        """The same for the same input: after a lost answer a second attempt starts nothing twice."""
        if body != self._sent:
            self._sent, self._key = body, uuid4().hex
        return self._key

    async def _send(self, body: dict[str, Any]) -> None:
        app = self.dashboard
        try:
            answer = await app.service.start(self._tenant, self._workflow, body, self._key_for(body))
        except RefusedError as error:
            self._say("; ".join([error.detail, *(f"{path} {what}" for path, what in error.issues.items())]))
        except UnreachableError as error:
            self._say(f"no answer ({error}); start again: it starts once")
        else:
            self._started(str(answer["execution_id"]))
            return
        self._sending = False
        if self.is_attached:
            self.query_one("#yes", Button).label = "Start  ctrl+s"

    def _started(self, execution: str) -> None:
        if self.is_attached:
            self.dismiss()
            self.dashboard.open_execution(self._tenant, execution)
        else:
            self.dashboard.say(f"started {self._workflow} {short_id(execution)}")
