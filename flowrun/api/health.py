"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import Response

from flowrun.api.auth import LOCAL
from flowrun.api.operation import Call, Operation
from flowrun.api.replies import JsonReply
from flowrun.errors import UnavailableError

_SECONDS = 5.0
"""A writer that takes longer cannot commit."""
_PUBLIC = frozenset({"ready", "epoch"})
_log = logging.getLogger(__name__)


async def alive(_call: Call) -> Response:
    """Say that the event loop turns."""
    return JsonReply({"status": "ok"})


async def ready(call: Call) -> Response:
    """Say whether work can be committed."""
    try:
        async with asyncio.timeout(_SECONDS):
            health = await call.context.health()
    except UnavailableError as error:  # The writer has put it in the log.
        health = {"ready": False, "reason": str(error)}
    except Exception:  # noqa: BLE001 - whatever it is, the service isn't ready
        _log.exception("The health check failed")
        health = {"ready": False}
    # How much is going on is nobody's business but the operator's, who reads it on the unix socket.
    is_local = call.request.scope.get("state", {}).get(LOCAL) is True
    told = health if is_local else {name: value for name, value in health.items() if name in _PUBLIC}
    return JsonReply(told, 200 if health.get("ready") is True else 503)


OPERATIONS = (
    Operation("GET", "/healthz", alive, "Whether the process lives", answers={200: "It does."}, public=True),
    Operation(
        "GET",
        "/readyz",
        ready,
        "Whether the service can do its work",
        answers={200: "It can.", 503: "It can't."},
        public=True,
    ),
)
