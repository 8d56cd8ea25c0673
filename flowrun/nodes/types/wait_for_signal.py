"""The node that waits for an answer from outside."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from flowrun.domain.definition import MAIN_PORT
from flowrun.domain.forms import APPROVED
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import (
    APPROVED_PORT,
    REJECTED_PORT,
    TIMEOUT_PORT,
    Awaiting,
    NodeContext,
    Outcome,
)
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Seconds
from flowrun.nodes.params import ParamsModel

_COMMENT: JsonObject = {"name": "comment", "label": "Comment", "type": "textarea", "required": False}
_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class FormField(ParamsModel):
    """One field of a form."""

    name: _Name = Field(description="Its name in the answer's `data`.")
    label: str = Field(default="", max_length=200, description="What stands beside it. Default: the name.")
    type: Literal["text", "textarea", "email", "number", "boolean", "select", "date"] = Field(
        default="text", description="What it takes."
    )
    required: bool = Field(default=False, description="It can't be left empty.")
    options: list[str] = Field(default=[], max_length=200, description="Of `select`: what there is to choose from.")
    value: str | float | bool | None = Field(default=None, description="What it holds at first.")

    @model_validator(mode="after")
    def _check(self) -> FormField:
        if self.name == APPROVED:
            raise ValueError("the name approved is taken by the buttons of an approval")
        if self.type == "select" and not self.options:
            raise ValueError("a select needs options")
        return self


class Form(ParamsModel):
    """What a person is asked."""

    title: str = Field(default="", max_length=200, description="Default: the node's name for its signal.")
    text: str = Field(default="", max_length=10_000, description="What the person has to know; line breaks are kept.")
    fields: list[FormField] = Field(default=[], max_length=50)
    submit: str = Field(default="Send", min_length=1, max_length=50, description="What the button says.")


class WaitForSignalParams(ParamsModel):
    """The params of `wait_for_signal`."""

    name: _Name | None = Field(default=None, description="The signal's name. Default: the node's id.")
    timeout: Annotated[Seconds, Field(gt=0)] | None = Field(
        default=None, description="How long to wait at most. Default: for ever."
    )
    approval: bool = Field(default=False, description="Ask for a yes or no: two buttons, and a comment.")
    form: Form | None = Field(default=None, description="Ask a person for more. Default: any data will do.")


class WaitForSignal(EngineNodeType):
    """Waits until someone outside sends its signal: by a link of its own, or by name over the API.

    The link is `{{ execution.resume_urls.<node id> }}`, for a message that an earlier node sends. It is good for one
    answer. A POST to it ends the wait, with its body as the data; with `form` or `approval` a GET shows a page to fill
    in, else one with a button, since programs that only look at links must not answer them. By name it is
    `flowrun executions signal`, or `POST …/executions/{id}/signal`.

    The output is `{data, by, received_at}`, of an approval `{approved, data, by, received_at}`. An approval leaves by
    the port `approved` (or `main`) or `rejected`. After `timeout` the node leaves by the port `timeout`, with
    `{signal, timed_out}`; where that port has no edge, it fails as `signal_timeout`. A signal that comes before the
    node waits is kept for it, but for answers to a form.
    """

    name = "wait_for_signal"
    awaits_signal = True
    literal_params = frozenset({"name", "approval"})
    Params = WaitForSignalParams
    example = MappingProxyType(
        {
            "timeout": "24h",
            "approval": True,
            "form": {"title": "Refund {{ input.amount }}?", "text": "The customer writes: {{ input.reason }}"},
        }
    )

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """Return `main` and `timeout`; of an approval `approved` and `rejected` too."""
        return (MAIN_PORT, TIMEOUT_PORT, *((APPROVED_PORT, REJECTED_PORT) if params.get("approval") else ()))

    def decide(self, context: NodeContext) -> Outcome:
        """Wait."""
        params: Any = context.params
        until = None if params["timeout"] is None else context.now + round(params["timeout"] * 1000)
        return Awaiting(until, _form(params["form"], approval=params["approval"]))


def _form(given: JsonObject | None, *, approval: bool) -> JsonObject | None:
    """What is asked, in full."""
    if given is None and not approval:
        return None
    form: Any = given or Form().model_dump()
    fields = [{**field, "label": field["label"] or field["name"]} for field in form["fields"]]
    return {**form, "approval": approval, "fields": fields or ([_COMMENT] if approval else [])}
