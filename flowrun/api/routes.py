"""The route table: every address of the API, in one place."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from flowrun.api import (
    channels,
    conversations,
    events,
    executions,
    health,
    node_logs,
    resume,
    schedules,
    secrets,
    stats,
    streams,
    tenants,
    webhook_resources,
    workflows,
)
from flowrun.api.openapi import docs_page, openapi
from flowrun.api.operation import Call, Operation
from flowrun.api.replies import JsonReply

WEBHOOKS = "/webhooks/"
"""What follows is served by `flowrun.api.webhooks`, before the table is looked at."""


async def _openapi(_call: Call) -> Response:
    return JsonReply(openapi(OPERATIONS))


async def _docs(_call: Call) -> Response:
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(docs_page(OPERATIONS), headers=headers)


OPERATIONS: tuple[Operation, ...] = (
    *workflows.OPERATIONS,
    *executions.OPERATIONS,
    *node_logs.OPERATIONS,
    *webhook_resources.OPERATIONS,
    *schedules.OPERATIONS,
    *tenants.OPERATIONS,
    *secrets.OPERATIONS,
    *channels.OPERATIONS,
    *conversations.OPERATIONS,
    *events.OPERATIONS,
    *resume.OPERATIONS,
    *streams.OPERATIONS,
    *stats.OPERATIONS,
    *health.OPERATIONS,
    Operation("GET", "/openapi.json", _openapi, "This description as data", public=True),
    Operation("GET", "/docs", _docs, "This description as a page", answers={200: "HTML."}, public=True),
)
