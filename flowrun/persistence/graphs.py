"""Workflow versions, compiled once and kept for the next execution."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from sqlalchemy import select

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.graph import Graph, compile_graph
from flowrun.domain.node_type import NodeTypes
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.formats import read_workflow
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Reader

_Key = tuple[str, str, int]
_KEPT = 1_000
"""Compiled versions in memory; a graph of ten nodes takes about 20 kB."""


class UnreadableDefinitionError(FlowrunError):
    """A stored definition cannot be read by this version of flowrun."""

    code = "unreadable-definition"


class GraphStore:
    """See `flowrun.ports.Graphs`."""

    def __init__(self, reader: Reader, types: NodeTypes) -> None:
        self._reader = reader
        self._types = types
        self._graphs: OrderedDict[_Key, Graph] = OrderedDict()
        self._loading: dict[_Key, asyncio.Task[Graph]] = {}
        self._current: dict[tuple[str, str], int] = {}

    async def get(self, tenant_id: str, workflow_id: str, version: int | None = None) -> Graph:
        """The graph of a version (None: the current one). Raises `NotFoundError`."""
        if version is None:
            version = await self._current_version(tenant_id, workflow_id)
        key = (tenant_id, workflow_id, version)
        graph = self._graphs.get(key)
        if graph is not None:
            self._graphs.move_to_end(key)
            return graph
        # A thousand executions that want the same version at once read and compile it once.
        loading = self._loading.get(key)
        if loading is None:
            loading = self._loading[key] = asyncio.get_running_loop().create_task(self._load(key))
            loading.add_done_callback(lambda _task: self._loading.pop(key, None))
        return await asyncio.shield(loading)

    async def _load(self, key: _Key) -> Graph:
        definition = await self._definition(*key)
        graph = self._graphs[key] = compile_graph(definition, key[2], self._types)
        while len(self._graphs) > _KEPT:
            self._graphs.popitem(last=False)
        return graph

    async def current(self, tenant_id: str, workflow_id: str) -> tuple[WorkflowDefinition, int]:
        """The current definition and its version. Raises `NotFoundError`."""
        version = await self._current_version(tenant_id, workflow_id)
        return await self._definition(tenant_id, workflow_id, version), version

    def forget(self, tenant_id: str, workflow_id: str) -> None:
        """Look the current version up anew: the workflow has changed."""
        self._current.pop((tenant_id, workflow_id), None)

    async def _current_version(self, tenant_id: str, workflow_id: str) -> int:
        version = self._current.get((tenant_id, workflow_id))
        if version is None:
            table = t.workflows
            query = select(table.c.version).where(table.c.tenant_id == tenant_id, table.c.id == workflow_id)
            row = await self._reader.first(query)
            if row is None:
                raise NotFoundError(f"The tenant {tenant_id} has no workflow {workflow_id}")
            version = self._current[tenant_id, workflow_id] = int(row["version"])
        return version

    async def _definition(self, tenant_id: str, workflow_id: str, version: int) -> WorkflowDefinition:
        table = t.workflow_versions
        query = select(table.c.definition).where(
            table.c.tenant_id == tenant_id, table.c.workflow_id == workflow_id, table.c.version == version
        )
        row = await self._reader.first(query)
        if row is None:
            raise NotFoundError(f"The workflow {workflow_id} has no version {version}")
        result = read_workflow(load(row["definition"]))
        if result.definition is None or result.issues:
            problems = "; ".join(str(issue) for issue in result.issues)
            raise UnreadableDefinitionError(f"{workflow_id} version {version} cannot be read: {problems}")
        return result.definition
