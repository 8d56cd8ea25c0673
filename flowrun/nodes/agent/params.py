"""The params of the `agent` node."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowrun.nodes.agent.schema import schema_problem
from flowrun.nodes.fields import Headers, Seconds
from flowrun.nodes.params import ParamsModel

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""`{argument}` in the URL of a tool."""
_OURS = frozenset({"connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"})
_NOT_OPTIONS = frozenset({"model", "messages", "tools", "response_format", "stream", "n"})
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


def _url(value: str) -> str:
    url = value.strip()
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("must be a URL that begins with http:// or https://")
    host = re.split(r"[/?#]", url.split("//", 1)[1], maxsplit=1)[0]
    if "@" in host:
        raise ValueError("must not hold a user or password")
    if "{" in host:
        raise ValueError("must not take its host from an argument: the model would choose whom to call")
    return url


def _credential(value: object) -> object:
    if isinstance(value, str) and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("has a line break or another control character")
    return value


def _schema(value: object) -> object:
    problem = schema_problem(value) if isinstance(value, dict) else None
    if problem is not None:
        raise ValueError(problem)
    return value


def _conversation(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _options(value: dict[str, Any]) -> dict[str, Any]:
    taken = next((name for name in value if name in _NOT_OPTIONS), None)
    if taken is not None:
        raise ValueError(f"must not have {taken!r}: the node sets it itself")
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    taken = next((name for name in value if name.lower() in _OURS), None)
    if taken is not None:
        raise ValueError(f"must not have {taken!r}: the client sets that header itself")
    return value


Url = Annotated[str, Field(max_length=8192), AfterValidator(_url)]
JsonSchema = Annotated[dict[str, Any], BeforeValidator(_schema, json_schema_input_type=dict[str, Any])]
ConversationId = Annotated[str, Field(min_length=1, max_length=200)]
ToolHeaders = Annotated[Headers, AfterValidator(_headers)]


class HttpToolParams(ParamsModel):
    """An HTTP call that the model may ask for."""

    type: Literal["http"] = Field(default="http", description="The kind of tool.")
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="What the model calls it.")
    description: str = Field(min_length=1, max_length=4000, description="What it does, told to the model.")
    parameters: JsonSchema = Field(default=NO_ARGUMENTS, description="Its arguments, as a JSON Schema of an object.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="GET", description="The HTTP method.")
    url: Url = Field(
        description="Where. `{argument}` is filled in, encoded; the other arguments become the query of GET and "
        "DELETE, and else the JSON body."
    )
    headers: ToolHeaders = Field(default={}, description="Name → value; the model never sees them.")
    timeout: Annotated[Seconds, Field(gt=0, le=600)] = Field(default=30.0, description="How long a call may take.")

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        known = self.parameters.get("properties", {})
        for name in PLACEHOLDER.findall(self.url):
            if name not in known:
                raise ValueError(f"has {{{name}}} in its url, which is no property of its parameters")
        return self


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


def _unlike(tools: list[HttpToolParams]) -> list[HttpToolParams]:
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"has two tools called {twice!r}")
    return tools


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
    tools: Annotated[list[HttpToolParams], Field(max_length=64), AfterValidator(_unlike)] = Field(
        default=[], description="What the model may call."
    )
    output_schema: JsonSchema | None = Field(
        default=None, description="A JSON Schema: the answer is JSON that fits it, and the output's `data`."
    )
    output_mode: Literal["auto", "json_schema", "prompt"] = Field(
        default="auto",
        description="How the model is told the schema: by `response_format` and in words, or only in words (for "
        "endpoints that don't know `json_schema`).",
    )
    conversation_id: Annotated[ConversationId | None, BeforeValidator(_conversation)] = Field(
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
