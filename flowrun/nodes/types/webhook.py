"""The trigger that starts an execution for an HTTP request."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flowrun.nodes.base import TriggerNodeType
from flowrun.nodes.fields import Expression, Seconds
from flowrun.nodes.params import ParamsModel
from flowrun.nodes.webhook_auth import ADVICE, SCHEMES, WebhookAuth

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_LITERAL = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@]+")
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PROVIDERS = Literal[
    "whatsapp", "instagram", "facebook", "slack", "telegram", "mercado_livre", "github", "stripe", "generic"
]  # fmt: skip


def _path(value: object) -> str:
    if not isinstance(value, str) or not (path := value.strip("/")):
        raise ValueError("must be a path such as 'orders' or 'orders/{id}'")
    if len(path) > 500:
        raise ValueError("must have 500 characters or fewer")
    variables: set[str] = set()
    for segment in path.split("/"):
        variable = _VARIABLE.fullmatch(segment)
        if variable is not None and variable[1] in variables:
            raise ValueError(f"names the variable {segment} twice")
        if variable is not None:
            variables.add(variable[1])
        elif segment in {"", ".", ".."} or not _LITERAL.fullmatch(segment):
            raise ValueError(
                f"has the segment {segment!r}: a segment is a variable such as {{id}}, "
                "or letters, digits and - . _ ~ ! $ & ' ( ) * + , ; = : @"
            )
    return path


def _methods(value: object) -> list[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise ValueError("must be a list of HTTP methods")
    methods = [method.upper() if isinstance(method, str) else method for method in given]
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ValueError(f"has {unknown[0]!r}: a method is one of {', '.join(METHODS)}")
    return list(dict.fromkeys(methods))


class RateLimit(ParamsModel):
    """How many requests a webhook takes."""

    per_second: Annotated[float, Field(gt=0, le=100_000)] = Field(description="On average.")
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="At once, after a pause. Default: those of one second."
    )


class WebhookParams(ParamsModel):
    """The params of `webhook`."""

    missing = MappingProxyType({"auth": f"is required: {ADVICE}"})

    path: Annotated[str, BeforeValidator(_path)] = Field(
        description="The path after `/webhooks/{tenant}/`; `{id}` is a variable, found in `trigger.path`."
    )
    auth: WebhookAuth = Field(
        description="Who may call: `none` (everyone), or `{type, secrets: [NAME]}` with the type "
        + ", ".join(f"`{scheme}`" for scheme in SCHEMES)
        + ", or `{type: channel, channel: NAME}`; see docs/webhooks.md."
    )
    methods: Annotated[list[str], BeforeValidator(_methods, json_schema_input_type=list[str])] = Field(
        default=["POST"], description="The HTTP methods that are answered."
    )
    response_mode: Literal["immediate", "last_node", "response_node"] = Field(
        default="immediate",
        description="`immediate` answers 202 at once, `last_node` with the execution's output, "
        "`response_node` with what a `respond` node sends.",
    )
    sync_timeout: Annotated[Seconds, Field(gt=0, le=300)] = Field(
        default=30.0,
        description="How long a caller waits at most before the answer becomes 202 with a `status_url`.",
    )
    filter: Expression = Field(
        default=None, description="An expression over `trigger`; when it is false, no execution starts."
    )
    map: dict[str, Any] | None = Field(
        default=None, description="Name → template over `trigger`: the execution's input. Default: the body."
    )
    idempotency_key: Expression = Field(
        default=None,
        description="An expression over `trigger`; a second request with the same value starts nothing. "
        "Default: the provider's id of the delivery.",
    )
    provider: _PROVIDERS | None = Field(
        default=None,
        description="Who calls; `trigger.event` is made for it. Default: seen from `auth` or the request, "
        "else `generic`.",
    )
    rate_limit: RateLimit | None = Field(
        default=None, description="Requests beyond it are answered 429. Default: the tenant's own limit alone."
    )
    name: str = Field(default="", description="A name for lists.")
    description: str = Field(default="", description="A note for readers.")


class WebhookTrigger(TriggerNodeType):
    """Starts an execution when an HTTP request arrives.

    The request is `ANY /webhooks/{tenant}/{path}`. Several workflows may share a route; all of them start that
    believe the sender: each checks `auth` with its own stored secrets, two of which may be valid at once.
    """

    name = "webhook"
    Params = WebhookParams
    expression_params = frozenset({"filter", "idempotency_key"})
    deferred_params = frozenset({"auth", "filter", "map", "idempotency_key"})
    example = MappingProxyType(
        {
            "path": "orders/{id}",
            "methods": ["POST"],
            "auth": {"type": "bearer", "secrets": ["ORDERS_TOKEN"]},
            "response_mode": "immediate",
            "filter": "trigger.body.total > 0",
            "map": {"order_id": "{{ trigger.path.id }}", "total": "{{ trigger.body.total }}"},
        }
    )
