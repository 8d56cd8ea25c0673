"""What nodes log while they run."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import Call, Operation, Param
from flowrun.api.replies import page
from flowrun.queries.get_node_log import GetNodeLog


async def logs(call: Call) -> Response:
    """Show what a node run has logged."""
    query = GetNodeLog(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        node_id=call.path("node"),
        iteration=call.query["iteration"],
        attempt=call.query["attempt"],
        after=call.query["after"],
        limit=call.query["limit"],
    )
    return page(call.request, await call.send(query), "after")


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/tenants/{tenant}/executions/{execution}/nodes/{node}/logs",
        logs,
        "Show what a node run has logged, also while it runs",
        query=(
            Param("iteration", "string", "Which run, within a loop.", default=""),
            Param("attempt", "integer", "Of this attempt alone."),
            Param("after", "integer", "Only lines with a higher number.", default=0),
            Param("limit", "integer", "How many, 1,000 at most.", default=200),
        ),
        answers={200: "`{items, next}` of `{seq, at, attempt, text}`, with a `Link` header."},
    ),
)
