"""The node that answers the waiting caller."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Outcome, Respond
from flowrun.nodes.base import ONE_ATTEMPT, WorkerNodeType
from flowrun.nodes.fields import Headers
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel

OURS = frozenset(
    {
        # Hop by hop, and what the server itself sets.
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "date", "server",
        # They would hold for everything at this address, not for one webhook.
        "strict-transport-security", "clear-site-data", "service-worker-allowed", "alt-svc", "public-key-pins",
    }
)  # fmt: skip
"""Headers that no workflow sets, in lower case."""
SENDABLE = re.compile(r"[\t\x20-\x7e\xa0-\xff]{0,8000}")
"""What the value of a header may be."""


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in OURS:
            raise ValueError(f"must not have {name!r}: that header is the service's own")
        if not SENDABLE.fullmatch(value):
            raise ValueError(f"has in {name!r} what no header can hold: at most 8,000 characters, of Latin-1")
    return headers


class RespondParams(ParamsModel):
    """The params of `respond`."""

    status: int = Field(default=200, ge=200, le=599, description="The HTTP status.")
    headers: Annotated[Headers, AfterValidator(_sendable)] = Field(
        default={}, description="Name → value of the answer's headers."
    )
    body: Any = Field(default=None, description="The answer's body: any JSON, or a text. Default: the node's input.")


class RespondNode(WorkerNodeType):
    """Answers the caller of a webhook whose response mode is `response_node`; its output is what was sent.

    The first answer counts. Without a waiting caller it only has its output.
    """

    name = "respond"
    worker = "response"
    needs_input = True
    default_retry = ONE_ATTEMPT
    Params = RespondParams
    example = MappingProxyType(
        {"status": 201, "headers": {"Location": "/orders/{{ input.id }}"}, "body": {"id": "{{ input.id }}"}}
    )

    def check(self, params: JsonObject) -> JsonObject:
        """Leave `body` out when it was not given: null is a body too."""
        checked = super().check(params)
        if "body" not in params:
            del checked["body"]
        return checked

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Answer."""
        params: Any = job.params
        body = params.get("body", job.input)
        output: JsonObject = {"status": params["status"], "headers": params["headers"], "body": body}
        return Respond(output, params["status"], dict(params["headers"]), body)
