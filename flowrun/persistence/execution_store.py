"""Executions as objects: new ones, and stored ones folded from their history."""

from __future__ import annotations

from sqlalchemy import select

from flowrun.domain.execution import Execution, Links
from flowrun.domain.graph import Graph
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import fold, load_history
from flowrun.ports import Graphs, Reader


class ExecutionStore:
    """Makes executions that know their graph, and where their waiting nodes are answered."""

    def __init__(self, reader: Reader, graphs: Graphs, links: Links) -> None:
        self._reader = reader
        self._graphs = graphs
        self._links = links

    def new(self, execution_id: str, tenant_id: str, graph: Graph) -> Execution:
        """One to which nothing has happened yet."""
        return Execution(execution_id, tenant_id, graph, links=self._links)

    async def load(self, execution_id: str) -> Execution:
        """The one that is stored. Raises `NotFoundError`."""
        table = t.executions
        query = select(table.c.tenant_id, table.c.workflow_id, table.c.version).where(table.c.id == execution_id)
        row = await self._reader.first(query)
        if row is None:
            raise NotFoundError(f"There is no execution {execution_id}")
        graph = await self._graphs.get(row["tenant_id"], row["workflow_id"], row["version"])
        return fold(self.new(execution_id, row["tenant_id"], graph), await load_history(self._reader, execution_id))

    async def stands(self, execution_id: str, seq: int) -> bool:
        """Whether the event of that number is stored, and with it all that was committed along with it."""
        table = t.execution_events
        query = select(table.c.seq).where(table.c.execution_id == execution_id, table.c.seq == seq)
        return await self._reader.first(query) is not None
