"""Sends one message through a channel, so that its owner sees whether it works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed
from flowrun.ports import Context

LONGEST_WAIT = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryChannel(Command[JsonObject]):
    """Send a message for real, once and without a retry; `{sent, output, error: {type, message, …}}`."""

    scope: ClassVar[Scope] = Scope.ADMIN
    tenant_id: str
    name: str
    to: str = ""
    message: JsonValue = field(repr=False)


async def handle(message: TryChannel, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    await context.channels.get(message.tenant_id, message.name)
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            outcome = await context.trials.send(message.tenant_id, message.name, message.to or None, message.message)
    except TimeoutError:
        outcome = Failed("timeout", f"The provider didn't answer within {LONGEST_WAIT:g} s")
    if isinstance(outcome, Completed):
        return {"sent": True, "output": outcome.output, "error": None}
    failed = outcome if isinstance(outcome, Failed) else Failed("unknown", "It is not known what became of it")
    error: JsonObject = {"type": failed.type, "message": failed.message, "details": failed.details}
    return {"sent": False, "output": None, "error": error}
