"""Fills the routes from the table, at the start of the process."""

from __future__ import annotations

from itertools import groupby

import orjson
from sqlalchemy import column, select, table

from flowrun.ports import Reader, Routes

# Named here rather than imported: matching and storing are neighbours that don't know each other.
_WEBHOOKS = table("webhooks", *map(column, ("id", "tenant_id", "workflow_id", "node_id", "config", "status")))


async def load_routes(reader: Reader, routes: Routes) -> int:
    """Let the routes hold every active webhook; gives how many there are."""
    c = _WEBHOOKS.c
    query = select(c.id, c.tenant_id, c.workflow_id, c.node_id, c.config).where(c.status == "active")
    rows = await reader.all(query.order_by(c.tenant_id, c.workflow_id, c.id))
    for (tenant_id, workflow_id), group in groupby(rows, key=lambda row: (row["tenant_id"], row["workflow_id"])):
        found = [(row["id"], row["node_id"], orjson.loads(row["config"])) for row in group]
        routes.replace(tenant_id, workflow_id, found)
    return len(rows)
