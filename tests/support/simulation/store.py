"""A real SQLite in memory, written and read without threads: commits take their time, fail, or are lost in a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Executable, RowMapping, create_engine, event
from sqlalchemy.pool import StaticPool
from support.simulation.loop import SimulatedLoop

from flowrun.errors import UnavailableError
from flowrun.nodes.types.event import EventTrigger
from flowrun.persistence.json_text import dump
from flowrun.persistence.migrate import _upgrade
from flowrun.persistence.writer import GroupWriter, Unit, _deliver

TENANT = "acme"
_EVENT = EventTrigger()
_WORKFLOW = """
INSERT INTO workflows (tenant_id, id, name, description, settings, tags, nodes, edges, status, version,
    created_at, updated_at)
VALUES (?, ?, ?, '', ?, ?, '[]', '[]', 'published', 1, 0, 0)
"""


class Dice(Protocol):
    """What the store asks of the world."""

    loop: SimulatedLoop

    def delay(self, longest: float) -> float:
        """Seconds that something takes."""

    def point(self, name: str, detail: object = None) -> None:
        """The process could die around here."""

    def refuses(self) -> bool:
        """Whether the disk is full."""

    def lies(self) -> bool:
        """Whether a commit that stands is reported as failed."""

    def committed(self, group: Sequence[Unit]) -> None:
        """A transaction has become durable."""


class Store:
    """The one database: what is committed in it survives every crash. Shared by all seeds of a process."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)
        self.engine = self._connected()
        event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        _upgrade(self.engine)
        self.raw.execute(
            "INSERT INTO tenants (id, name, status, created_at) VALUES (?, ?, 'active', 0)", (TENANT, TENANT)
        )
        self._empty = self.raw.serialize()
        self.writing = self.engine.connect()
        self.reading = self._connected().connect()  # An engine that begins nothing: each read is by itself.

    def _connected(self) -> Engine:
        return create_engine("sqlite+pysqlite://", poolclass=StaticPool, creator=lambda: self.raw)

    def reset(self, workflows: Sequence[Mapping[str, Any]]) -> None:
        """Begin anew, with these workflows and nothing else."""
        self.writing.rollback()
        self.raw.deserialize(self._empty)
        for document in workflows:
            key, plain = (TENANT, document["id"]), ("{}", "[]")
            self.raw.execute("INSERT INTO workflow_versions VALUES (?,?,1,?,0,'')", (*key, dump(dict(document))))
            self.raw.execute(_WORKFLOW, (*key, document["id"], *plain))
            for node in document["nodes"]:
                if node["type"] == _EVENT.name:
                    config = dump(dict(_EVENT.check(node["params"])))
                    self.raw.execute("INSERT INTO event_triggers VALUES (?,?,?,?)", (*key, node["id"], config))


@cache
def the_store() -> Store:
    """The store of this process."""
    return Store()


class SimulatedWriter(GroupWriter):
    """The real writer's grouping and its transactions, each a step of the loop instead of a turn of a thread."""

    def __init__(self, store: Store, dice: Dice) -> None:
        super().__init__(store.engine)
        self._connection = store.writing
        self._dice = dice
        self._loop: SimulatedLoop = dice.loop
        self._at_work = False
        self._untold: deque[list[Unit]] = deque()

    def start(self) -> None:
        """Nothing has to be started."""

    async def close(self) -> None:
        """Commit what is under way, then stop."""
        self._closed = True
        while self._at_work or self._untold:  # noqa: ASYNC110 - it ends with the last of them
            await asyncio.sleep(0.001)

    def submit(self, unit: Unit) -> None:
        """See `GroupWriter.submit`."""
        if self._loop.dead:
            return
        if self._closed:
            raise UnavailableError("The service is shutting down")
        self._inbox.put(unit)
        if not self._at_work:
            self._at_work = True
            self._loop.call_later(self._dice.delay(0.005), self._turn)

    def _turn(self) -> None:
        self._dice.point("commit")
        if self._loop.dead:
            return
        group, _ = self._drain(self._inbox.get_nowait())
        self._commit(self._connection, group)
        self._do_asides(self._connection)
        self._untold.append(group)
        self._loop.call_later(self._dice.delay(0.005), self._tell)
        if self._inbox.empty():
            self._at_work = False
        else:
            self._loop.call_later(self._dice.delay(0.005), self._turn)

    def _tell(self) -> None:
        self._dice.point("told")
        _deliver(self._untold.popleft())

    def _write(self, connection: Connection, group: list[Unit]) -> None:  # type: ignore[override]
        if self._dice.refuses():
            raise sqlite3.OperationalError("database or disk is full")
        GroupWriter._write(connection, group)
        self._dice.committed(group)
        if self._dice.lies():
            raise sqlite3.OperationalError("disk I/O error, and yet it is committed")


class SimulatedReader:
    """See `flowrun.ports.Reader`; what is read may be old by the time it arrives."""

    def __init__(self, store: Store, dice: Dice) -> None:
        self._connection = store.reading
        self._dice = dice

    async def all(self, query: Executable, params: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Every row of a SELECT."""
        await asyncio.sleep(self._dice.delay(0.003))
        rows = self._connection.execute(query, params).mappings().all()
        await asyncio.sleep(self._dice.delay(0.003))
        return rows

    async def first(self, query: Executable, params: Mapping[str, Any] | None = None) -> RowMapping | None:
        """The first row of a SELECT, if there is one."""
        rows = await self.all(query, params)
        return rows[0] if rows else None
