"""Questions: yes or no, and small forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.form import FormField, read_fields
from tui.look import plain
from tui.render.charset import UNICODE, Charset
from tui.render.text import safe
from tui.theme import FAINT, MUTED, STATE_COLOURS, TEXT


class Confirm(ModalScreen[bool]):
    """Asks; the focus is on No."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "no", show=False),
        Binding("y", "answer(True)", "yes", show=False),
        Binding("left,right,h,l,tab", "other", "the other", show=False, priority=True),
    ]

    def __init__(self, title: str, lines: Sequence[str], verb: str) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._verb = verb

    def compose(self) -> ComposeResult:
        """The question, what will happen, two buttons."""
        dialog = Vertical(
            Static("\n".join(self._lines), id="question", markup=False),
            Horizontal(
                Button(Content("No, leave it"), id="no", compact=True),
                Button(Content(f"Yes, {self._verb}"), id="yes", compact=True),
                id="buttons",
            ),
            id="dialog",
        )
        dialog.border_title = Content(self._title)
        yield dialog

    def on_mount(self) -> None:
        """Nothing happens by a hasty enter."""
        self.query_one("#no").focus()

    def action_other(self) -> None:
        """Go to the other button."""
        self.query_one("#yes" if self.focused is self.query_one("#no") else "#no").focus()

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)

    @on(Button.Pressed)
    def _pressed(self, message: Button.Pressed) -> None:
        self.dismiss(message.button.id == "yes")


class Form(ModalScreen[dict[str, Any] | None]):
    """Asks for a few values, and closes when each is of its kind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", show=False),
        Binding("ctrl+s", "send", "send", show=False, priority=True),
    ]

    def __init__(
        self, title: str, note: str, fields: Sequence[FormField], verb: str, unusable: Callable[[], str | None]
    ) -> None:
        """`unusable` says why nothing can be sent now: then what was typed stays."""
        super().__init__()
        self._title = title
        self._note = note
        self._fields = fields
        self._verb = verb
        self._unusable = unusable

    def compose(self) -> ComposeResult:
        """A line for each value."""
        rows: list[Widget] = []
        for place, field in enumerate(self._fields):
            rows.append(Static(label(field), classes="label", markup=False))
            rows.append(Input(field.text, placeholder=field.hint, id=f"field-{place}", compact=True))
        dialog = Vertical(
            Static(self._note, id="question", markup=False),
            VerticalScroll(*rows, id="fields"),
            Static("", id="wrong", markup=False),
            Horizontal(
                Button("Cancel", id="no", compact=True),
                Button(Content(self._verb.capitalize()), id="yes", compact=True),
                id="buttons",
            ),
            id="dialog",
        )
        dialog.border_title = Content(self._title)
        yield dialog

    def on_mount(self) -> None:
        """Begin with the first value."""
        self.query_one("Input, #yes").focus()

    @on(Input.Submitted)
    def _next(self, message: Input.Submitted) -> None:
        """Enter goes on to the next value, and sends from the last one."""
        inputs = list(self.query(Input))
        place = inputs.index(message.input) + 1
        if place < len(inputs):
            inputs[place].focus()
        else:
            self.action_send()

    def action_send(self) -> None:
        """Read the values; say what is wrong with them."""
        texts = {field.name: self.query_one(f"#field-{place}", Input).value for place, field in enumerate(self._fields)}
        values, wrong = read_fields(self._fields, texts)
        told = "; ".join(f"{name} {what}" for name, what in wrong.items()) or self._unusable()
        if told:
            self.query_one("#wrong", Static).update(Text(told))
        else:
            self.dismiss(values)

    @on(Button.Pressed)
    def _pressed(self, message: Button.Pressed) -> None:
        if message.button.id == "yes":
            self.action_send()
        else:
            self.dismiss(None)


def label(field: FormField, charset: Charset = UNICODE) -> Text:
    """What stands over a field."""
    text = plain(field.name, charset, TEXT, bold=True)
    text.append(f"  {field.type}", Style(color=MUTED, bold=False))
    text.append("  required" if field.required else "", Style(color=STATE_COLOURS["waiting"], bold=False))
    told = Text(safe(f"  {field.description}" if field.description else "", charset), Style(color=FAINT, bold=False))
    return text.append_text(told)
