"""What people ask of one schedule: pause it, resume it, fire it by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, RowMapping, Select, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.idempotency import remember
from flowrun.commands.open_tenant import require_open
from flowrun.commands.schedule_fires import INSERT_FIRES, fire_row, schedule_start
from flowrun.commands.workflow_schedules import drop_queued, started
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.triggers.schedules.policy import Decision, Fire
from flowrun.triggers.schedules.stored import ScheduleStatus, schedule_from


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSchedule(Command[JsonObject]):
    """Let a schedule fire no more until it is resumed; `{id, status, next_at}`."""

    scope: ClassVar[Scope] = Scope.WRITE
    tenant_id: str
    schedule_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSchedule(Command[JsonObject]):
    """Let a paused schedule fire again, from its next time on; `{id, status, next_at}`."""

    scope: ClassVar[Scope] = Scope.WRITE
    tenant_id: str
    schedule_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSchedule(Command[JsonObject]):
    """Start an execution as if the schedule had come due now, whatever its overlap policy; `{execution_id, …}`."""

    scope: ClassVar[Scope] = Scope.RUN
    keeps_own_answer: ClassVar[bool] = True
    tenant_id: str
    schedule_id: str


async def pause(message: PauseSchedule, context: Context, principal: Principal) -> JsonObject:
    """Pause; one that is paused stays so. Raises `NotFoundError`."""
    now, table = context.clock.now(), t.schedules

    def change(connection: Connection) -> JsonObject:
        row = _row(connection, message.tenant_id, message.schedule_id)
        if row["status"] != ScheduleStatus.PAUSED:
            values = {"status": ScheduleStatus.PAUSED.value, "next_at": None, "updated_at": now}
            connection.execute(update(table).where(table.c.id == row["id"]).values(**values))
            drop_queued(connection, row["id"], f"the schedule was paused by {principal.name}", now)
        return {"id": row["id"], "status": ScheduleStatus.PAUSED.value, "next_at": None}

    answer = await context.writer.transact(change)
    context.schedules.changed()
    return answer


async def resume(message: ResumeSchedule, context: Context, _principal: Principal) -> JsonObject:
    """Resume; times that passed meanwhile are no misfires. One that isn't paused stays as it is.

    Raises `NotFoundError`.
    """
    now, table = context.clock.now(), t.schedules
    row = await context.reader.first(_found(message.tenant_id, message.schedule_id))
    if row is None:
        raise _unknown(message.tenant_id, message.schedule_id)
    definition, _ = await context.graphs.current(message.tenant_id, row["workflow_id"])
    enabled = any(node.id == row["node_id"] and not node.disabled for node in definition.nodes)

    def change(connection: Connection) -> JsonObject:
        row = _row(connection, message.tenant_id, message.schedule_id)
        if row["status"] != ScheduleStatus.PAUSED:
            return {"id": row["id"], "status": row["status"], "next_at": _time(row["next_at"])}
        values: dict[str, Any] = {"status": ScheduleStatus.INACTIVE.value, "next_at": None}
        if enabled and _published(connection, row):
            values = started(load(row["config"]), row["anchor_at"], now)
        connection.execute(update(table).where(table.c.id == row["id"]).values(**values, updated_at=now))
        return {"id": row["id"], "status": values["status"], "next_at": _time(values["next_at"])}

    answer = await context.writer.transact(change)
    context.schedules.changed()
    return answer


async def trigger(message: TriggerSchedule, context: Context, principal: Principal) -> JsonObject:
    """Start; raises `NotFoundError`, `ConflictError` unless the workflow is published, `ExpressionError`."""
    require_open(context, message.tenant_id)
    row = await context.reader.first(_found(message.tenant_id, message.schedule_id))
    if row is None:
        raise _unknown(message.tenant_id, message.schedule_id)
    schedule, now, execution_id = schedule_from(row), context.clock.now(), context.new_id()
    graph = await context.graphs.get(schedule.tenant_id, schedule.workflow_id)
    at = _free_time(now, row["anchor_at"])
    start = schedule_start(schedule, at, graph, now, by=principal.name)
    fire = Fire(at, Decision.TRIGGERED, f"by {principal.name}")
    answer: JsonObject = {
        "execution_id": execution_id,
        "schedule_id": schedule.id,
        "workflow_id": graph.workflow_id,
        "version": graph.version,
    }
    keep_answer = remember(message, answer, now)

    def also(connection: Connection) -> None:
        if not _published(connection, row):
            raise ConflictError(f"The workflow {schedule.workflow_id} isn't published; only then it can be started")
        if connection.execute(INSERT_FIRES, fire_row(schedule.id, fire, execution_id, now)).rowcount != 1:
            raise ConflictError("The schedule was triggered by hand in this very millisecond; try again")
        if keep_answer is not None:
            keep_answer(connection)

    await context.engine.start(graph, schedule.tenant_id, start, execution_id=execution_id, also=also)
    return answer


def _free_time(now: int, anchor: int) -> int:
    """A time that the schedule itself never has: those are whole seconds, or whole seconds after its start."""
    taken = {0, anchor % 1000}
    return next(at for at in range(now, now + 3) if at % 1000 not in taken)


def _found(tenant_id: str, schedule_id: str) -> Select[Any]:
    table = t.schedules
    return select(table).where(table.c.id == schedule_id, table.c.tenant_id == tenant_id)


def _row(connection: Connection, tenant_id: str, schedule_id: str) -> RowMapping:
    row = connection.execute(_found(tenant_id, schedule_id)).mappings().first()
    if row is None:
        raise _unknown(tenant_id, schedule_id)
    return row


def _unknown(tenant_id: str, schedule_id: str) -> NotFoundError:
    return NotFoundError(f"The tenant {tenant_id} has no schedule {schedule_id}")


def _published(connection: Connection, row: RowMapping) -> bool:
    table = t.workflows
    key = (table.c.tenant_id == row["tenant_id"], table.c.id == row["workflow_id"])
    return connection.scalar(select(table.c.status).where(*key)) == WorkflowStatus.PUBLISHED


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
