"""The params of the `agent` node."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowrun.nodes.agent.tool_params import JsonSchema, Tools, Url
from flowrun.nodes.fields import Seconds, number_as_text
from flowrun.nodes.params import ParamsModel

_NOT_OPTIONS = frozenset({"model", "messages", "tools", "response_format", "stream", "n"})


def _credential(value: object) -> object:
    if isinstance(value, str) and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("has a line break or another control character")
    return value


def _options(value: dict[str, Any]) -> dict[str, Any]:
    taken = next((name for name in value if name in _NOT_OPTIONS), None)
    if taken is not None:
        raise ValueError(f"must not have {taken!r}: the node sets it itself")
    return value


ConversationId = Annotated[str, Field(min_length=1, max_length=200)]


class Limits(ParamsModel):
    """What one turn may take."""

    requests: int = Field(default=10, ge=1, le=100, description="Requests to the model.")
    tokens: int = Field(
        default=200_000, ge=1, description="Tokens, in and out: once so many are used, no further request is made."
    )
    seconds: Annotated[Seconds, Field(gt=0, le=3600)] = Field(
        default=240.0, description="How long the turn may take; the node's own `timeout` counts beside it."
    )
    cost: float | None = Field(
        default=None, gt=0, description="Money, by `prices`: once so much is spent, no further request is made."
    )
    tool_calls: int = Field(default=50, ge=0, le=1000, description="Calls of tools.")
    messages: int = Field(default=20, ge=0, le=100, description="Earlier messages of the conversation that are sent.")


class Prices(ParamsModel):
    """What tokens cost, in whatever currency."""

    input: float = Field(ge=0, description="A million tokens that are sent.")
    output: float = Field(ge=0, description="A million tokens that are answered.")


class AgentParams(ParamsModel):
    """The params of `agent`."""

    model: str = Field(
        min_length=1,
        max_length=200,
        description="The model. Without a `base_url`, `provider:model` says where it is; no provider is OpenAI.",
    )
    prompt: str = Field(min_length=1, description="What the user says.")
    system: str = Field(default="", description="What the model is told first.")
    base_url: Url | None = Field(
        default=None, description="An OpenAI-compatible endpoint, such as `http://ollama:11434/v1`."
    )
    api_key: Annotated[str | None, BeforeValidator(_credential)] = Field(
        default=None, description="Sent as a bearer token: `{{ secrets.OPENAI_API_KEY }}`."
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="How random; null leaves it to the model.")
    options: Annotated[dict[str, Any], AfterValidator(_options)] = Field(
        default={}, description="More fields of the request: `max_tokens`, `top_p`, `seed`, `reasoning_effort`, …"
    )
    tools: Tools = Field(
        default=[],
        description="What the model may call: an HTTP address (`http`, the default), Python in the sandbox (`code`), "
        "another workflow (`workflow`).",
    )
    output_schema: JsonSchema | None = Field(
        default=None, description="A JSON Schema: the answer is JSON that fits it, and the output's `data`."
    )
    output_mode: Literal["auto", "json_schema", "prompt"] = Field(
        default="auto",
        description="How the model is told the schema: by `response_format` and in words, or only in words (for "
        "endpoints that don't know `json_schema`).",
    )
    conversation_id: Annotated[ConversationId | None, BeforeValidator(number_as_text)] = Field(
        default=None, description="Whose turn it is: what was said before in this conversation is sent too."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=3600)] = Field(
        default=120.0, description="How long one request to the model may take."
    )
    prices: Prices | None = Field(default=None, description="What the model costs; `usage` then has a `cost`.")
    limits: Limits = Field(default={}, validate_default=True, description="Where a turn ends, answered or not.")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.limits.cost is not None and self.prices is None:
            raise ValueError("has a limit of cost, which needs prices")
        return self
