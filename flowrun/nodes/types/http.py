"""The node that calls an HTTP address."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flowrun.domain.node_type import Outcome
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.fields import Headers, Seconds
from flowrun.nodes.http_call import build_request, judge
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.http_status import status_ranges
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel

_OURS = frozenset({"connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"})


def _method(value: object) -> object:
    method = value.strip().upper() if isinstance(value, str) else ""
    if not method.isascii() or not method.isalpha() or len(method) > 32 or method == "CONNECT":
        raise ValueError("must be an HTTP method such as GET or POST")
    return method


def _url(value: object) -> str:
    url = value.strip() if isinstance(value, str) else ""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("must be a URL that begins with http:// or https://")
    if len(url) > 8192:
        raise ValueError("must have 8192 characters or fewer")
    if "@" in url.split("/")[2].split("?")[0]:
        raise ValueError("must not hold a user or password; use `auth`")
    return url


def _not_ours(value: object) -> object:
    if isinstance(value, dict):
        taken = next((name for name in value if str(name).lower() in _OURS), None)
        if taken is not None:
            raise ValueError(f"must not have {taken!r}: the client sets that header itself")
    return value


def _query(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be an object: name → value")  # noqa: TRY004 - pydantic wants a ValueError
    for name, content in value.items():
        parts = content if isinstance(content, list) else [content]
        if any(isinstance(part, dict | list) for part in parts):
            raise ValueError(f"has an object as {name!r}; a value is a text, a number, or a list of those")
    return value


def _secret(value: object) -> object:
    if isinstance(value, str) and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("has a line break or another control character")
    return value


Secret = Annotated[str, BeforeValidator(_secret), Field(min_length=1)]


class BearerAuth(ParamsModel):
    """`Authorization: Bearer …`."""

    type: Literal["bearer"]
    token: Secret


class BasicAuth(ParamsModel):
    """`Authorization: Basic …`."""

    type: Literal["basic"]
    username: Annotated[str, BeforeValidator(_secret)]
    password: Annotated[str, BeforeValidator(_secret)] = ""


class HeaderAuth(ParamsModel):
    """A secret in a header of its own."""

    type: Literal["header"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$")]
    value: Secret


class HttpParams(ParamsModel):
    """The params of `http`."""

    url: Annotated[str, BeforeValidator(_url)] = Field(description="Where: `http://…` or `https://…`.")
    method: Annotated[str, BeforeValidator(_method)] = Field(default="GET", description="The HTTP method.")
    headers: Annotated[Headers, BeforeValidator(_not_ours)] = Field(
        default={}, description="Name → value; null leaves one out."
    )
    query: Annotated[dict[str, Any], BeforeValidator(_query)] = Field(
        default={},
        description="Name → value, added to the URL's own; a list repeats the name, null leaves it out.",
    )
    body: Any = Field(
        default=None,
        description="An object or a list is sent as JSON (as a form, if `Content-Type` says so), a text as it is; "
        "null is no body.",
    )
    auth: Annotated[BearerAuth | BasicAuth | HeaderAuth, Field(discriminator="type")] | None = Field(
        default=None,
        description="`{type: bearer, token}`, `{type: basic, username, password}` or `{type: header, name, value}`.",
    )
    timeout: Annotated[Seconds, Field(gt=0, le=3600)] = Field(
        default=30.0, description="How long the whole call may take; the node's own `timeout` counts beside it."
    )
    expect_status: Annotated[list[str], BeforeValidator(status_ranges, json_schema_input_type=list[int | str])] = Field(
        default=["200-299"],
        description="The statuses that are a success: `200`, `2xx`, `200-299`, or a list of those.",
    )
    follow_redirects: bool = Field(
        default=True,
        description="Whether redirects are followed (at most 5; auth and cookies don't go to another origin).",
    )


class Http(WorkerNodeType):
    """Calls an HTTP address; its output is `{status, headers, body}`.

    The names of the headers are in lower case. The body is read as JSON when the answer says that it is, as text
    for text, and is `{"base64": …}` otherwise; an empty one is null. At most 1 MiB is read.

    An unexpected status fails the attempt as `http_status`; 408, 425, 429 and 5xx are retried, after
    `Retry-After` when the answer has it, and so are `connection_error` and `http_timeout`. Every attempt sends the
    same `Idempotency-Key`. Private addresses are refused as `address_refused` unless `FLOWRUN_HTTP_ALLOW` has them.
    """

    name = "http"
    worker = "webhook"
    Params = HttpParams
    example = MappingProxyType(
        {
            "method": "POST",
            "url": "https://api.example.com/orders",
            "query": {"notify": True},
            "body": {"id": "{{ input.id }}", "lines": "{{ input.lines }}"},
            "auth": {"type": "bearer", "token": "{{ secrets.API_TOKEN }}"},
            "timeout": "10s",
            "expect_status": [200, 201],
        }
    )

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Send the request, and make the outcome of what comes back."""
        try:
            response = await services.http.send(build_request(job))
            return judge(job.params, response)
        except HttpError as error:
            return error.outcome()
