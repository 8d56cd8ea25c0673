"""Fills what is matched in memory from the tables, at the start of the process."""

from __future__ import annotations

from itertools import groupby

import orjson
from sqlalchemy import column, select, table

from flowrun.ports import EventTriggers, Reader, Routes, Tenants

# Named here rather than imported: matching and storing are neighbours that don't know each other.
_WEBHOOKS = table("webhooks", *map(column, ("id", "tenant_id", "workflow_id", "node_id", "config", "status")))

_EVENT_TRIGGERS = table("event_triggers", *map(column, ("tenant_id", "workflow_id", "node_id", "config")))
_TENANTS = table("tenants", *map(column, ("id", "status")))


async def load_routes(reader: Reader, routes: Routes) -> int:
    """Let the routes hold every active webhook; gives how many there are."""
    c = _WEBHOOKS.c
    query = select(c.id, c.tenant_id, c.workflow_id, c.node_id, c.config).where(c.status == "active")
    rows = await reader.all(query.order_by(c.tenant_id, c.workflow_id, c.id))
    for (tenant_id, workflow_id), group in groupby(rows, key=lambda row: (row["tenant_id"], row["workflow_id"])):
        found = [(row["id"], row["node_id"], orjson.loads(row["config"])) for row in group]
        routes.replace(tenant_id, workflow_id, found)
    return len(rows)


async def load_events(reader: Reader, events: EventTriggers) -> int:
    """Let the index hold every event trigger; gives how many there are."""
    c = _EVENT_TRIGGERS.c
    rows = await reader.all(select(_EVENT_TRIGGERS).order_by(c.tenant_id, c.workflow_id, c.node_id))
    for (tenant_id, workflow_id), group in groupby(rows, key=lambda row: (row["tenant_id"], row["workflow_id"])):
        events.replace(tenant_id, workflow_id, [(row["node_id"], orjson.loads(row["config"])) for row in group])
    return len(rows)


async def load_tenants(reader: Reader, tenants: Tenants) -> None:
    """Let it be known which tenants are disabled."""
    for row in await reader.all(select(_TENANTS.c.id).where(_TENANTS.c.status == "disabled")):
        tenants.change(row["id"], disabled=True)
