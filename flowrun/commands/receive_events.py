"""Starts every workflow that waits for the events that were sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.event_delivery import Event, deliver, store
from flowrun.commands.open_tenant import require_open
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.triggers.cloud_events import CloudEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveEvents(Command[JsonObject]):
    """Events have come in; `{items}`, one for each, in their order.

    An item is `{id, event_id, source, type, duplicate, outcome, executions, deliveries}`. An event of the same source
    and id within 24 hours starts nothing, and is answered with what the first one started.
    """

    scope: ClassVar[Scope] = Scope.RUN
    tenant_id: str
    events: Sequence[CloudEvent]


async def handle(message: ReceiveEvents, context: Context, _principal: Principal) -> JsonObject:
    """Store and deliver them; everything that they start is committed when this returns.

    Raises `NotFoundError` for an unknown tenant, `ConflictError` for a disabled one.
    """
    tenant_id, now = message.tenant_id, context.clock.now()
    require_open(context, tenant_id)
    events = [Event(context.new_id(), tenant_id, one.attributes, one.data, now) for one in message.events]

    def change(connection: Connection) -> list[Event]:
        tenants = t.tenants
        if connection.scalar(select(tenants.c.id).where(tenants.c.id == tenant_id)) is None:
            raise NotFoundError(f"There is no tenant {tenant_id}")
        return [store(connection, event) for event in events]

    stored = await context.writer.transact(change)
    return {"items": list(await asyncio.gather(*(deliver(context, event) for event in stored)))}
