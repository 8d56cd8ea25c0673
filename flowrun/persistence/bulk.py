"""Statements over many rows at once, for the writer's groups.

A statement with many rows of VALUES steps the database once where `executemany` steps it once a row; each step
hands the interpreter lock back and forth, which under load costs more than the row itself. Rows are cut into
powers of two, so that a few prepared statements serve groups of every size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import Table

from flowrun.persistence import tables as t
from flowrun.ports import Insertions

Row = tuple[Any, ...]
_LARGEST = 64


@dataclass(slots=True, eq=False)
class Bulk:
    """One kind of statement; `sql` gives its text for a number of rows."""

    name: str
    sql: Callable[[int], str]
    _texts: dict[int, str] = field(default_factory=dict)

    def run(self, execute: Callable[[str, Sequence[Any]], Any], rows: Sequence[Row]) -> None:
        """Run the statement over all rows, in order."""
        start, size = 0, _LARGEST
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            text = self._texts.get(size)
            if text is None:
                text = self._texts[size] = self.sql(size)
            execute(text, tuple(chain.from_iterable(rows[start : start + size])))
            start += size


def _marks(columns: int, rows: int) -> str:
    one = "(" + ",".join("?" * columns) + ")"
    return ",".join([one] * rows)


def insert(table: Table) -> Bulk:
    """INSERT of whole rows, columns in the table's order."""
    columns = [column.name for column in table.columns]
    head = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES "  # noqa: S608 - names from our own tables
    return Bulk(f"insert {table.name}", lambda rows: head + _marks(len(columns), rows))


def upsert(table: Table) -> Bulk:
    """INSERT of whole rows that replaces the row of the same key."""
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    changes = ",".join(f"{name}=excluded.{name}" for name in columns if name not in keys)
    head = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES "  # noqa: S608 - names from our own tables
    tail = f" ON CONFLICT ({','.join(keys)}) DO UPDATE SET {changes}"
    return Bulk(f"upsert {table.name}", lambda rows: head + _marks(len(columns), rows) + tail)


def delete(table: Table) -> Bulk:
    """DELETE by whole primary key."""
    keys = [column.name for column in table.primary_key.columns]
    columns = ",".join(f"column{number}" for number in range(1, len(keys) + 1))
    # With the bare VALUES in its place SQLite walks the whole table.
    head = f"DELETE FROM {table.name} WHERE ({','.join(keys)}) IN (SELECT {columns} FROM (VALUES "  # noqa: S608
    return Bulk(f"delete {table.name}", lambda rows: head + _marks(len(keys), rows) + "))")


def update(table: Table, *columns: str) -> Bulk:
    """UPDATE of some columns by a key of one column: rows are `(key, *values)`."""
    (key,) = (column.name for column in table.primary_key.columns)
    changes = ",".join(f"{name}=new.column{number}" for number, name in enumerate(columns, 2))
    head = f"UPDATE {table.name} SET {changes} FROM (VALUES "  # noqa: S608 - names from our own tables
    tail = f") AS new WHERE {table.name}.{key}=new.column1"
    return Bulk(f"update {table.name}", lambda rows: head + _marks(len(columns) + 1, rows) + tail)


DELETE_JOBS = delete(t.jobs)
DELETE_TIMERS = delete(t.timers)
INSERT_EXECUTIONS = insert(t.executions)
UPDATE_EXECUTIONS = update(t.executions, "status", "reason", "result_seq", "started_at", "finished_at")
INSERT_EVENTS = insert(t.execution_events)
UPSERT_NODE_EXECUTIONS = upsert(t.node_executions)
UPSERT_JOBS = upsert(t.jobs)
UPSERT_TIMERS = upsert(t.timers)
INSERT_WEBHOOK_EVENTS = insert(t.webhook_events)
INSERT_SCHEDULE_FIRES = insert(t.schedule_fires)

IN_ORDER = (
    DELETE_JOBS,
    DELETE_TIMERS,
    INSERT_EXECUTIONS,
    UPDATE_EXECUTIONS,
    INSERT_EVENTS,
    UPSERT_NODE_EXECUTIONS,
    UPSERT_JOBS,
    UPSERT_TIMERS,
    INSERT_WEBHOOK_EVENTS,
    INSERT_SCHEDULE_FIRES,
)
"""The order within one group: what is replaced goes before what replaces it."""
_BY_TABLE = {t.webhook_events.name: INSERT_WEBHOOK_EVENTS, t.schedule_fires.name: INSERT_SCHEDULE_FIRES}
"""What may be inserted along with an execution."""


class Rows:
    """The rows that one unit of work, or a whole group, writes, by kind of statement."""

    __slots__ = ("by_kind", "count")

    def __init__(self) -> None:
        self.by_kind: dict[Bulk, list[Row]] = {}
        self.count = 0

    def add(self, kind: Bulk, rows: Iterable[Row]) -> None:
        """Let these rows be written."""
        mine = self.by_kind.setdefault(kind, [])
        before = len(mine)
        mine.extend(rows)
        self.count += len(mine) - before

    def insert(self, rows: Insertions) -> None:
        """Let these rows of other tables be written too."""
        for table, some in rows.items():
            self.add(_BY_TABLE[table], some)

    def merge(self, other: Rows) -> None:
        """Let another unit's rows be written with these."""
        for kind, rows in other.by_kind.items():
            mine = self.by_kind.get(kind)
            if mine is None:
                self.by_kind[kind] = list(rows)
            else:
                mine.extend(rows)
        self.count += other.count

    def write(self, execute: Callable[[str, Sequence[Any]], Any]) -> None:
        """Run every statement, in the order that keeps keys unique."""
        for kind in IN_ORDER:
            rows = self.by_kind.get(kind)
            if rows:
                kind.run(execute, rows)
