"""Counts, rates and latencies, as documents and for Prometheus."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.metrics_text import metrics_text
from flowrun.api.operation import Call, Operation
from flowrun.api.replies import JsonReply
from flowrun.queries.get_stats import GetStats, GetTenantStats


async def service(call: Call) -> Response:
    """Tell of the service as a whole."""
    return JsonReply(await call.send(GetStats()))


async def tenant(call: Call) -> Response:
    """Tell of one tenant."""
    return JsonReply(await call.send(GetTenantStats(tenant_id=call.path("tenant"))))


async def metrics(call: Call) -> Response:
    """Tell the same to Prometheus."""
    stats = await call.send(GetStats())
    return Response(metrics_text(stats), media_type="text/plain; version=0.0.4; charset=utf-8")


OPERATIONS = (
    Operation("GET", "/api/v1/stats", service, "Counts, rates and latencies of the service (operator only)"),
    Operation("GET", "/api/v1/tenants/{tenant}/stats", tenant, "Counts and rates of a tenant and its workflows"),
    Operation(
        "GET",
        "/metrics",
        metrics,
        "The same for Prometheus (operator only)",
        answers={200: "Prometheus' text format."},
    ),
)
