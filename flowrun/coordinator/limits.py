"""The limits in force: read at start, changed by command, kept by the gate and the dispatcher."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, select

from flowrun.coordinator.admission import Group
from flowrun.coordinator.counts import LIVE
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.domain.calls import awaited_by
from flowrun.domain.graph import Graph
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import load_trigger
from flowrun.persistence.json_text import load
from flowrun.ports import Graphs, Reader, TenantLimits

_log = logging.getLogger(__name__)


class Limits:
    """See `flowrun.ports.Limits`."""

    def __init__(self, engine: ExecutionEngine, dispatcher: Dispatcher, reader: Reader, graphs: Graphs) -> None:
        self._engine = engine
        self._gate = engine.gate
        self._dispatcher = dispatcher
        self._reader = reader
        self._graphs = graphs

    async def change(self, tenant_id: str, limits: TenantLimits) -> None:
        """Let a tenant's limits be these from now on. What runs beyond them goes on to its end."""
        before = self._gate.tenants.get(tenant_id, TenantLimits())
        self._gate.tenants[tenant_id] = limits
        self._dispatcher.limit((tenant_id,), limits.running_nodes)
        if before.running_executions is None and limits.running_executions is not None:
            await self._count_tenant(tenant_id)
        self._engine.admit(self._gate.changed(tenant_id))

    async def workflow_changed(self, tenant_id: str, workflow_id: str) -> None:
        """Let the limits be those of the workflow's current version, also for executions of earlier ones."""
        try:
            graph = await self._graphs.get(tenant_id, workflow_id)
        except NotFoundError:
            graph = None
        except FlowrunError as error:  # Its limits are known again when it can be read, and starts something.
            _log.error("The limits of the workflow %s of %s cannot be read: %s", workflow_id, tenant_id, error)
            return
        self._dispatcher.limit((tenant_id, workflow_id), None if graph is None else graph.running_nodes)
        self._engine.admit(self._gate.workflow(tenant_id, workflow_id, graph))

    async def _count_tenant(self, tenant_id: str) -> None:
        """Count what runs, of which nobody has kept count as long as there was no limit."""
        with self._gate.noting() as left:
            rows = await self._reader.all(_live().where(t.executions.c.tenant_id == tenant_id))
            await self._note_callers(rows)
            for row in sorted(rows, key=lambda row: str(row["id"])):
                if row["id"] not in left:
                    self._gate.count(row["id"], ((tenant_id,),), waits=_waits(row))

    # --- after a start

    async def recover(self) -> None:
        """Read the limits, and count the executions of earlier processes that fall under one."""
        table = t.tenants
        for row in await self._reader.all(select(table.c.id, table.c.limits).where(table.c.limits.is_not(None))):
            limits = TenantLimits(**load(row["limits"]))
            self._gate.tenants[row["id"]] = limits
            self._dispatcher.limit((row["id"],), limits.running_nodes)
        # In the order of the partial index, without which the database would look at every row.
        executions = t.executions.c
        versions = select(executions.status, executions.tenant_id, executions.workflow_id, executions.version)
        found = await self._reader.all(versions.where(executions.finished_at.is_(None)).distinct())
        limited: list[RowMapping] = []
        for tenant_id, workflow_id, version in sorted({_version(row) for row in found}):
            limited += await self._recover_version(tenant_id, workflow_id, version)
        await self._count(limited)
        admitted, cancelled = self._gate.settle()
        self._engine.admit(admitted)
        self._engine.make_room(cancelled, "a later execution takes its place")

    async def _recover_version(self, tenant_id: str, workflow_id: str, version: int) -> Sequence[RowMapping]:
        """The executions of a version that fall under a limit."""
        try:
            graph = await self._graphs.get(tenant_id, workflow_id, version)
        except FlowrunError as error:
            # A plugin is gone, say. Nobody else's executions are to stand still for it.
            _log.error("Executions of the workflow %s of %s stand still: %s", workflow_id, tenant_id, error)
            return []
        await self.workflow_changed(tenant_id, workflow_id)
        limited = self._gate.tenants.get(tenant_id, TenantLimits()).running_executions is not None
        if not limited and graph.concurrency is None:
            return []
        table = t.executions.c
        query = _live().where(table.tenant_id == tenant_id, table.workflow_id == workflow_id, table.version == version)
        return await self._reader.all(query)

    async def _count(self, rows: Sequence[RowMapping]) -> None:
        """Count executions in the order of their creation."""
        if rows:
            await self._note_callers(await self._reader.all(_live().where(t.executions.c.trigger_type == "workflow")))
        for row in sorted(rows, key=lambda row: str(row["id"])):
            groups = await self._groups(row, await self._graphs.get(*_version(row)))
            self._gate.count(row["id"], groups, waits=_waits(row))
            if row["status"] == ExecutionStatus.CANCELLING:
                self._gate.leaving(row["id"])

    async def _groups(self, row: RowMapping, graph: Graph) -> tuple[Group, ...]:
        trigger = await load_trigger(self._reader, row["id"]) if graph.concurrency_key is not None else None
        # A key that asks for the time means that of the start.
        return self._gate.groups_of(graph, row["tenant_id"], {"trigger": trigger}, row["created_at"])

    async def _note_callers(self, rows: Sequence[RowMapping]) -> None:
        for row in rows:
            if row["trigger_type"] == "workflow":
                caller = awaited_by(await load_trigger(self._reader, row["id"]) or {})
                if caller is not None:
                    self._gate.called(row["id"], caller)


_COLUMNS = ("id", "tenant_id", "workflow_id", "version", "status", "created_at", "started_at", "trigger_type")


def _live() -> Select[Any]:
    columns = [t.executions.c[name] for name in _COLUMNS]
    return select(*columns).where(t.executions.c.status.in_(LIVE))


def _version(row: RowMapping) -> tuple[str, str, int]:
    return row["tenant_id"], row["workflow_id"], row["version"]


def _waits(row: RowMapping) -> bool:
    """Whether it waits for its place, also one that was paused while it did."""
    paused = row["status"] == ExecutionStatus.PAUSED and row["started_at"] is None
    return paused or row["status"] == ExecutionStatus.QUEUED
