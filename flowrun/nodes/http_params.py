"""The params of the `http` node."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flowrun.nodes.fields import Headers, Seconds
from flowrun.nodes.http_status import status_ranges
from flowrun.nodes.params import ParamsModel

_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$"
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


def _certificates(value: object) -> object:
    if value is not None and (not isinstance(value, str) or "-----BEGIN CERTIFICATE-----" not in value):
        raise ValueError("must be PEM certificates: texts that begin with -----BEGIN CERTIFICATE-----")
    return value


FieldPath = Annotated[str, Field(min_length=1, max_length=500)]
QueryName = Annotated[str, Field(min_length=1, max_length=200)]
MaxPages = Annotated[int, Field(ge=1, le=1000)]
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
    name: Annotated[str, Field(pattern=_HEADER_NAME)]
    value: Secret


class ApiKeyAuth(ParamsModel):
    """A key in a header, or in the query."""

    type: Literal["api_key"]
    name: Annotated[str, Field(pattern=_HEADER_NAME)] = "X-API-Key"
    value: Secret
    in_: Literal["header", "query"] = Field(default="header", alias="in")


class TlsOptions(ParamsModel):
    """How the server's certificate is judged."""

    verify: bool = Field(
        default=True, description="Whether it has to be valid. Without that, anyone on the way can read and change all."
    )
    ca: Annotated[str, BeforeValidator(_certificates)] | None = Field(
        default=None, description="PEM certificates of the authorities that are trusted instead of the usual ones."
    )


class LinkPages(ParamsModel):
    """The answer says where the next page is."""

    type: Literal["link"]
    next: FieldPath | None = None
    items: FieldPath | None = None
    max_pages: MaxPages = 100


class CursorPages(ParamsModel):
    """The answer holds what to ask the next page with."""

    type: Literal["cursor"]
    cursor: FieldPath
    param: QueryName = "cursor"
    items: FieldPath | None = None
    max_pages: MaxPages = 100


class NumberedPages(ParamsModel):
    """Pages are asked by their numbers until one is empty."""

    type: Literal["page"]
    param: QueryName = "page"
    start: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    items: FieldPath | None = None
    max_pages: MaxPages = 100


Pagination = Annotated[LinkPages | CursorPages | NumberedPages, Field(discriminator="type")]


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
    body_type: Literal["json", "form", "text", "multipart", "binary"] | None = Field(
        default=None,
        description="How the body is sent, if not as above. `multipart`: name → text, list, or file "
        "`{filename, content_type, text}` with `base64` instead of `text` for bytes. `binary`: `{base64}`.",
    )
    auth: Annotated[BearerAuth | BasicAuth | HeaderAuth | ApiKeyAuth, Field(discriminator="type")] | None = Field(
        default=None,
        description="`{type: bearer, token}`, `{type: basic, username, password}`, `{type: header, name, value}` or "
        "`{type: api_key, name, value, in: header/query}`.",
    )
    timeout: Annotated[Seconds, Field(gt=0, le=3600)] = Field(
        default=30.0,
        description="How long the whole call may take; beyond 60 s only as long as the node's own `timeout`.",
    )
    expect_status: Annotated[list[str], BeforeValidator(status_ranges, json_schema_input_type=list[int | str])] = Field(
        default=["200-299"],
        description="The statuses that are a success: `200`, `2xx`, `200-299`, or a list of those.",
    )
    follow_redirects: bool = Field(
        default=True,
        description="Whether redirects are followed (at most 5; auth, cookies and secrets don't go to another origin).",
    )
    pagination: Pagination | None = Field(
        default=None,
        description="Reads page after page: `{type: link, next}`, `{type: cursor, cursor, param}` or "
        "`{type: page, param, start, page_size}`, each with `items` and `max_pages`.",
    )
    tls: TlsOptions | None = Field(default=None, description="How the server's certificate is judged.")
