"""The params of an agent's tools, one class for each kind."""

from __future__ import annotations

import keyword
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowrun.nodes.agent.schema import schema_problem
from flowrun.nodes.fields import Headers, Seconds
from flowrun.nodes.params import ParamsModel

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""`{argument}` in the URL of a tool."""
LONGEST_SOURCE = 20_000
"""Characters."""
_OURS = frozenset({"connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"})
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


def _schema(value: object) -> object:
    problem = schema_problem(value) if isinstance(value, dict) else None
    if problem is not None:
        raise ValueError(problem)
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    taken = next((name for name in value if name.lower() in _OURS), None)
    if taken is not None:
        raise ValueError(f"must not have {taken!r}: the client sets that header itself")
    return value


Url = Annotated[str, Field(max_length=8192), AfterValidator(_url)]
JsonSchema = Annotated[dict[str, Any], BeforeValidator(_schema, json_schema_input_type=dict[str, Any])]
ToolHeaders = Annotated[Headers, AfterValidator(_headers)]


class ToolParams(ParamsModel):
    """What every tool has."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="What the model calls it.")
    description: str = Field(min_length=1, max_length=4000, description="What it does, told to the model.")
    parameters: JsonSchema = Field(default=NO_ARGUMENTS, description="Its arguments, as a JSON Schema of an object.")


class HttpToolParams(ToolParams):
    """An HTTP call that the model may ask for."""

    type: Literal["http"] = Field(default="http", description="The kind of tool.")
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


class CodeToolParams(ToolParams):
    """Python in the sandbox that the model may run, with the arguments as variables."""

    type: Literal["code"] = Field(description="The kind of tool.")
    source: str = Field(
        min_length=1,
        max_length=LONGEST_SOURCE,
        description="As in the node `code`: each of the `parameters` is a variable, and `input` has all arguments.",
    )
    inputs: dict[str, Any] = Field(default={}, description="Further variables, which the model doesn't see.")
    timeout: Annotated[Seconds, Field(gt=0, le=300)] = Field(default=10.0, description="How long a call may take.")
    memory_mb: int = Field(default=64, ge=8, le=256, description="MiB that its values may take.")

    @model_validator(mode="after")
    def _variables(self) -> Self:
        for name in (*self.parameters.get("properties", {}), *self.inputs):
            if not name.isidentifier() or keyword.iskeyword(name) or name == "input":
                raise ValueError(
                    f"has {name!r} in its parameters or inputs, which is no name for a variable of its own"
                )
        return self


class WorkflowToolParams(ToolParams):
    """Another workflow that the model may start, and whose output it is told."""

    type: Literal["workflow"] = Field(description="The kind of tool.")
    workflow_id: str = Field(min_length=1, max_length=64, description="A published workflow of the same tenant.")
    input: dict[str, Any] = Field(
        default={}, description="What is put over the arguments: values that the model neither sees nor chooses."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=3600)] = Field(
        default=120.0, description="How long its end is waited for; it goes on all the same."
    )


def _with_type(value: object) -> object:
    return {**value, "type": "http"} if isinstance(value, dict) and "type" not in value else value


def _unlike(tools: list[AnyTool]) -> list[AnyTool]:
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"has two tools called {twice!r}")
    return tools


AnyTool = HttpToolParams | CodeToolParams | WorkflowToolParams
_OneTool = Annotated[
    Annotated[AnyTool, Field(discriminator="type")], BeforeValidator(_with_type, json_schema_input_type=AnyTool)
]
Tools = Annotated[list[_OneTool], Field(max_length=64), AfterValidator(_unlike)]
