"""Answers in JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from flowrun.domain.json import JsonObject


class JsonReply(Response):
    """A response whose body is written by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - any JSON
        """JSON as UTF-8."""
        return orjson.dumps(content)


def page(request: Request, document: JsonObject, name: str = "cursor") -> JsonReply:
    """A page of a list, with a `Link` to the next one; `name` is the parameter that asks for it."""
    reply = JsonReply(document)
    following = document.get("next")
    if following is not None:
        params = [(key, value) for key, value in request.query_params.multi_items() if key != name]
        reply.headers["link"] = f'<{request.url.path}?{urlencode([*params, (name, following)])}>; rel="next"'
    return reply


def execution_url(tenant_id: str, execution_id: str) -> str:
    """Where the state of an execution can be read."""
    return f"/api/v1/tenants/{tenant_id}/executions/{execution_id}"
