"""Finding and deleting what is past its time: ended executions with all that is theirs, and the rows of the logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from flowrun.persistence import bulk
from flowrun.persistence import tables as t

_OWNED = (t.execution_events, t.node_executions, t.node_logs)
"""What belongs to one execution alone, by its id."""
_DELETE_KEYS = bulk.delete(t.idempotency_keys)


def ended_executions(after: str, limit: int, *, ended_before: int) -> Select[Any]:
    """Ended executions behind an id, the oldest first, as `id`, `rows` (about how many it has) and `held`.

    Held is what somebody may still ask for: timers that start other executions, or a caller that has not ended.
    `ended_before` is a time in ms.
    """
    row, event = t.executions, t.execution_events
    query = select(
        row.c.id,
        # The events are numbered without gaps, and the last number is one step in the tree away.
        select(func.max(event.c.seq)).where(event.c.execution_id == row.c.id).scalar_subquery().label("rows"),
        or_(_has_timers(), _is_called_by_living()).label("held"),
    )
    # What ended before then was made before then, and ids are in the order of creation: the walk ends there.
    mine = (row.c.id > after, row.c.id < _first_id(ended_before), row.c.finished_at < ended_before)
    return query.where(*mine).order_by(row.c.id).limit(limit)


def execution_to_delete(tenant_id: str, execution_id: str) -> Select[Any]:
    """One execution, as `finished_at` (None: not yet), `busy`: others are to hear of it, `called`: by a living one."""
    row = t.executions.c
    query = select(row.finished_at, _has_timers().label("busy"), _is_called_by_living().label("called"))
    return query.where(row.tenant_id == tenant_id, row.id == execution_id)


def _has_timers() -> Any:  # noqa: ANN401 - an expression
    return exists().where(t.timers.c.execution_id == t.executions.c.id)


def _is_called_by_living() -> Any:  # noqa: ANN401 - an expression
    row, event, caller = t.executions, t.execution_events, t.executions.alias("caller")
    caller_id = (
        select(func.json_extract(event.c.data, "$.trigger.caller.execution_id"))
        .where(event.c.execution_id == row.c.id, event.c.seq == 1)
        .correlate(row)
        .scalar_subquery()
    )
    lives = exists().where(caller.c.id == caller_id, caller.c.finished_at.is_(None)).correlate(row)
    # CASE, so that the history of executions that nothing called isn't read.
    return case((row.c.trigger_type == "workflow", lives), else_=False)


def _first_id(at: int) -> str:
    """What every id (UUIDv7) that is made from that time (ms) on comes after."""
    digits = f"{max(at, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def delete_executions(connection: Connection, execution_ids: Sequence[str], *, ended_before: int, calls: str) -> int:
    """Delete those that ended before a time (ms), with all that is theirs; gives how many.

    Looks again, in the transaction: one that was found may have been taken up meanwhile, and have ended anew.
    `calls` is the scope of the keys by which an execution finds what it has called: they go with it.
    """
    row = t.executions
    free = select(row.c.id).where(
        row.c.id.in_(execution_ids),
        row.c.finished_at < ended_before,
        ~exists().where(t.timers.c.execution_id == row.c.id),
        ~exists().where(t.jobs.c.execution_id == row.c.id),
    )
    ids = list(connection.scalars(free))
    if not ids:
        return 0
    tenants = connection.execute(select(row.c.tenant_id, row.c.id).where(row.c.id.in_(ids))).all()
    for table in _OWNED:
        connection.execute(delete(table).where(table.c.execution_id.in_(ids)))
    key = t.idempotency_keys
    for tenant_id, execution_id in tenants:
        mine = and_(key.c.key > f"{execution_id}:", key.c.key < f"{execution_id};")
        connection.execute(delete(key).where(key.c.tenant_id == tenant_id, key.c.scope == calls, mine))
    return connection.execute(delete(row).where(row.c.id.in_(ids))).rowcount


@dataclass(frozen=True, slots=True)
class Log:
    """A table whose rows lie in groups, each in the order of time: a walk needs no index of its own."""

    table: Table
    group: Column[str]
    order: Column[Any]
    time: Column[int]
    unfinished: tuple[Column[str], str] | None = None
    """The column and the value of rows that something is still to be done about."""
    parts: tuple[Column[str], ...] = ()
    """Columns of other tables that name the row's `order`; their rows go with it."""

    def next_group(self, after: str) -> Select[Any]:
        """The `name` of the first group behind another one: a step in the tree, however many rows each has."""
        return select(self.group.label("name")).where(self.group > after).order_by(self.group).limit(1)

    def old_rows(self, group: str, after: Any, before: int, limit: int) -> Select[Any]:  # noqa: ANN401 - a key
        """The oldest rows of a group behind a key, as `key` and `old`: whether it came before the time (ms)."""
        query = select(self.order.label("key"), (self.time < before).label("old")).where(self.group == group)
        if after is not None:
            query = query.where(self.order > after)
        if self.unfinished is not None:
            column, value = self.unfinished
            query = query.where(column != value)
        return query.order_by(self.order).limit(limit)

    def delete(self, connection: Connection, group: str, keys: Sequence[Any]) -> None:
        """Delete rows of a group, and their parts."""
        connection.execute(delete(self.table).where(self.group == group, self.order.in_(keys)))
        for part in self.parts:
            connection.execute(delete(part.table).where(part.in_(keys)))


LOGS = (
    Log(t.webhook_events, t.webhook_events.c.webhook_id, t.webhook_events.c.id, t.webhook_events.c.received_at),
    Log(
        t.events,
        t.events.c.tenant_id,
        t.events.c.id,
        t.events.c.received_at,
        unfinished=(t.events.c.outcome, "pending"),
        parts=(t.event_deliveries.c.event_id,),
    ),
    Log(
        t.schedule_fires,
        t.schedule_fires.c.schedule_id,
        t.schedule_fires.c.scheduled_at,
        t.schedule_fires.c.decided_at,
        unfinished=(t.schedule_fires.c.decision, "queued"),
    ),
)
"""What webhooks, events and schedules have done."""


def delete_conversations(connection: Connection, *, silent_since: int, limit: int) -> int:
    """Delete the conversations whose last turn is the longest ago, before a time (ms); gives how many."""
    table = t.conversations
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(table.c.updated_at < silent_since)
    return connection.execute(delete(table).where(key.in_(old.order_by(table.c.updated_at).limit(limit)))).rowcount


def old_keys(created_before: int, limit: int, *, but: str) -> Select[Any]:
    """Idempotency keys that were made before a time (ms), as `tenant_id`, `scope` and `key`, those of a scope apart."""
    key = t.idempotency_keys
    old = (key.c.created_at < created_before, key.c.scope != but)
    query = select(key.c.tenant_id, key.c.scope, key.c.key).where(*old)
    return query.order_by(key.c.created_at).limit(limit)


def delete_keys(connection: Connection, keys: Sequence[tuple[str, str, str]]) -> None:
    """Delete idempotency keys."""
    _DELETE_KEYS.run(connection.exec_driver_sql, keys)
