"""Executions as objects: new ones, and stored ones folded from their history."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import RowMapping, func, select

from flowrun.domain.execution import Execution, Links
from flowrun.domain.graph import Graph
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.executions import event_from, fold
from flowrun.ports import Graphs, Reader

_MOST_AT_ONCE = 50
"""Executions of one read."""
_MOST_EVENTS = 5_000
"""Events of one read, unless a single execution has more: they are all in memory at a time."""
_BREATH_EVENTS = 500
"""Events folded in one go: a millisecond or a few. Then others have a turn."""
_READS = 2
"""Reads under way at a time; what is asked for meanwhile is read together."""

_Wanted = tuple[str, asyncio.Future[Execution]]


class ExecutionStore:
    """Makes executions that know their graph, and where their waiting nodes are answered.

    Of thousands that are to go on at the same moment many are read at once: a read has a price of its own, which
    is several times that of one short history.
    """

    def __init__(self, reader: Reader, graphs: Graphs, links: Links) -> None:
        self._reader = reader
        self._graphs = graphs
        self._links = links
        self._wanted: deque[_Wanted] = deque()
        self._reads: set[asyncio.Task[None]] = set()
        self._reading = 0
        """Tasks that will look at `_wanted` again: one that has is counted no more, though it hasn't quite ended."""

    def new(self, execution_id: str, tenant_id: str, graph: Graph) -> Execution:
        """One to which nothing has happened yet."""
        return Execution(execution_id, tenant_id, graph, links=self._links)

    async def load(self, execution_id: str) -> Execution:
        """The one that is stored, as an object of the caller's own. Raises `NotFoundError`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Execution] = loop.create_future()
        self._wanted.append((execution_id, future))
        if self._reading < _READS:
            self._reading += 1
            task = loop.create_task(self._read_wanted())
            self._reads.add(task)
            task.add_done_callback(self._reads.discard)
        return await future

    async def stands(self, execution_id: str, seq: int) -> bool:
        """Whether the event of that number is stored, and with it all that was committed along with it."""
        table = t.execution_events
        query = select(table.c.seq).where(table.c.execution_id == execution_id, table.c.seq == seq)
        return await self._reader.first(query) is not None

    # --- many at once

    async def _read_wanted(self) -> None:
        try:
            while self._wanted:
                batch = [self._wanted.popleft() for _ in range(min(len(self._wanted), _MOST_AT_ONCE))]
                try:
                    await self._read(batch)
                except Exception as error:  # noqa: BLE001 - told to whoever asked
                    for _, future in batch:
                        _fail(future, error)
        finally:
            self._reading -= 1

    async def _read(self, batch: list[_Wanted]) -> None:
        heads = await self._heads({execution_id for execution_id, _ in batch})
        for part in _parts(batch, heads):
            events = await self._events([execution_id for execution_id, _ in part if execution_id in heads])
            folded = 0
            for execution_id, future in part:
                history = events.get(execution_id, ())
                await self._answer(future, execution_id, heads.get(execution_id), history)
                folded += len(history)
                if folded >= _BREATH_EVENTS:
                    folded = 0
                    await asyncio.sleep(0)

    async def _heads(self, ids: set[str]) -> dict[str, RowMapping]:
        table, events = t.executions, t.execution_events
        length = select(func.max(events.c.seq)).where(events.c.execution_id == table.c.id).scalar_subquery()
        columns = (table.c.id, table.c.tenant_id, table.c.workflow_id, table.c.version, length.label("length"))
        return {row["id"]: row for row in await self._reader.all(select(*columns).where(table.c.id.in_(ids)))}

    async def _events(self, ids: list[str]) -> dict[str, list[RowMapping]]:
        events, found = t.execution_events, defaultdict[str, list[RowMapping]](list)
        query = select(events).where(events.c.execution_id.in_(ids)).order_by(events.c.execution_id, events.c.seq)
        for row in await self._reader.all(query) if ids else ():
            found[row["execution_id"]].append(row)
        return found

    async def _answer(
        self,
        future: asyncio.Future[Execution],
        execution_id: str,
        head: RowMapping | None,
        events: Sequence[RowMapping],
    ) -> None:
        """Fold one history. What cannot be read fails alone."""
        if future.done():
            return  # Whoever asked was cancelled.
        if head is None:
            _fail(future, NotFoundError(f"There is no execution {execution_id}"))
            return
        try:
            graph = await self._graphs.get(head["tenant_id"], head["workflow_id"], head["version"])
            execution = fold(self.new(execution_id, head["tenant_id"], graph), [event_from(row) for row in events])
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            _fail(future, error)
        else:
            if not future.done():
                future.set_result(execution)


def _parts(batch: list[_Wanted], heads: Mapping[str, RowMapping]) -> Iterator[list[_Wanted]]:
    """What is read together: histories that are not too long together, or a single one."""
    part: list[_Wanted] = []
    length = 0
    for wanted in batch:
        own = heads[wanted[0]]["length"] or 0 if wanted[0] in heads else 0
        if part and length + own > _MOST_EVENTS:
            yield part
            part, length = [], 0
        part.append(wanted)
        length += own
    yield part


def _fail(future: asyncio.Future[Execution], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
