"""The node that answers the waiting caller."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Outcome, Respond
from flowrun.nodes.base import ONE_ATTEMPT, WorkerNodeType
from flowrun.nodes.fields import Headers
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel

_OURS = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def _not_ours(value: object) -> object:
    if isinstance(value, dict):
        taken = next((name for name in value if str(name).lower() in _OURS), None)
        if taken is not None:
            raise ValueError(f"must not have {taken!r}: the service sets that header itself")
    return value


class RespondParams(ParamsModel):
    """The params of `respond`."""

    status: int = Field(default=200, ge=200, le=599, description="The HTTP status.")
    headers: Annotated[Headers, BeforeValidator(_not_ours)] = Field(
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
