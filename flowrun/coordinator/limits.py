"""The tenants' limits: read at start, changed by command, kept by the gate and the dispatcher."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import select

from flowrun.coordinator.admission import Gate
from flowrun.coordinator.counts import LIVE
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.domain.graph import Graph
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import FlowrunError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import load_trigger
from flowrun.persistence.json_text import load
from flowrun.ports import Graphs, Reader, TenantLimits

_log = logging.getLogger(__name__)


class Limits:
    """See `flowrun.ports.Limits`."""

    def __init__(self, gate: Gate, dispatcher: Dispatcher, admit: Callable[[list[str]], None]) -> None:
        """Wire it up: `admit` lets queued executions begin."""
        self._gate = gate
        self._dispatcher = dispatcher
        self._admit = admit

    def change(self, tenant_id: str, limits: TenantLimits) -> None:
        """Let a tenant's limits be these from now on. What runs beyond them goes on to its end."""
        self._gate.tenants[tenant_id] = limits
        self._dispatcher.limit((tenant_id,), limits.running_nodes)
        self._admit(self._gate.changed(tenant_id))

    async def recover(self, reader: Reader, graphs: Graphs) -> None:
        """Read the limits, and count the executions of earlier processes that fall under one."""
        table = t.tenants
        for row in await reader.all(select(table.c.id, table.c.limits).where(table.c.limits.is_not(None))):
            limits = TenantLimits(**load(row["limits"]))
            self._gate.tenants[row["id"]] = limits
            self._dispatcher.limit((row["id"],), limits.running_nodes)
        live = t.executions.c.finished_at.is_(None)
        # In the order of the partial index, without which the database would look at every row.
        executions = t.executions.c
        versions = select(executions.status, executions.tenant_id, executions.workflow_id, executions.version)
        found = await reader.all(versions.where(live).distinct())
        for row in {(row["tenant_id"], row["workflow_id"], row["version"]): row for row in found}.values():
            try:
                graph = await graphs.get(row["tenant_id"], row["workflow_id"], row["version"])
            except FlowrunError as error:
                # A plugin is gone, say. Nobody else's executions are to stand still for it.
                _log.error(
                    "Executions of the workflow %s of %s stand still: %s", row["workflow_id"], row["tenant_id"], error
                )
                continue
            self._dispatcher.limit((row["tenant_id"], row["workflow_id"]), graph.running_nodes)
            limited = self._gate.tenants.get(row["tenant_id"], TenantLimits()).running_executions is not None
            if limited or graph.concurrency is not None:
                await self._count(reader, graph, row["tenant_id"])
        self._admit(self._gate.settle())

    async def _count(self, reader: Reader, graph: Graph, tenant_id: str) -> None:
        table = t.executions
        query = select(table.c.id, table.c.status, table.c.created_at, table.c.started_at).where(
            table.c.status.in_(LIVE),
            table.c.tenant_id == tenant_id,
            table.c.workflow_id == graph.workflow_id,
            table.c.version == graph.version,
        )
        for row in await reader.all(query.order_by(table.c.id)):
            keyed = graph.concurrency_key is not None
            trigger = await load_trigger(reader, row["id"]) if keyed else None
            # A key that asks for the time means that of the start.
            limits = self._gate.limits_of(graph, tenant_id, {"trigger": trigger}, row["created_at"])
            # One that was paused while it was queued still waits for its place.
            paused = row["status"] == ExecutionStatus.PAUSED.value and row["started_at"] is None
            if paused or row["status"] == ExecutionStatus.QUEUED.value:
                self._gate.wait(row["id"], limits)
            else:
                self._gate.enter(row["id"], limits)
