"""One workflow with its definition, in a document that can be saved again as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import RowMapping, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.documents import time


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWorkflow(Query[JsonObject]):
    """One workflow; `version` None is the current one."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str
    version: int | None = None


async def handle(query: GetWorkflow, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    row = await workflow_row(context, query.tenant_id, query.workflow_id)
    stored = await stored_version(context, row, query.version)
    definition = load(stored["definition"])
    return {
        "id": row["id"],
        "tenant_id": row["tenant_id"],
        "name": definition.get("name", row["id"]),
        "description": definition.get("description", ""),
        "status": row["status"],
        "version": stored["version"],
        "tags": definition.get("tags", []),
        "on_error": definition.get("on_error"),
        "timeout": definition.get("timeout"),
        "concurrency": definition.get("concurrency"),
        "variables": definition.get("variables", {}),
        "nodes": definition["nodes"],
        "edges": definition["edges"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
        "updated_by": stored["created_by"],
    }


async def workflow_row(context: Context, tenant_id: str, workflow_id: str) -> RowMapping:
    """The row of a workflow; raises `NotFoundError`."""
    table = t.workflows
    columns = (table.c.id, table.c.tenant_id, table.c.status, table.c.version, table.c.created_at, table.c.updated_at)
    found = (table.c.tenant_id == tenant_id, table.c.id == workflow_id)
    row = await context.reader.first(select(*columns).where(*found))
    if row is None:
        raise NotFoundError(f"The tenant {tenant_id} has no workflow {workflow_id}")
    return row


async def stored_version(context: Context, row: RowMapping, version: int | None) -> RowMapping:
    """The row of one version of a workflow, None being the current one; raises `NotFoundError`."""
    table, number = t.workflow_versions, row["version"] if version is None else version
    stored = await context.reader.first(
        select(table).where(
            table.c.tenant_id == row["tenant_id"], table.c.workflow_id == row["id"], table.c.version == number
        )
    )
    if stored is None:
        raise NotFoundError(f"The workflow {row['id']} has no version {number}")
    return stored
