"""Times of a schedule have come due, or the turn of one that was queued has come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from sqlalchemy import Connection, update

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.open_tenant import require_open
from flowrun.commands.schedule_fires import (
    INSERT_FIRES,
    AlreadyFiredError,
    ScheduleMovedError,
    fire_row,
    move_on,
    record_fires,
    schedule_start,
)
from flowrun.domain.facts import Cancel
from flowrun.errors import ConflictError, FlowrunError, NotFoundError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.triggers.schedules.policy import STARTS, Decision, Fire
from flowrun.triggers.schedules.stored import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class FireSchedule(Command[None]):
    """Let a decision over a schedule's next times take effect, and move it on to `next_at` (ms), in one transaction.

    At most the last of the times starts an execution; `cancel` names those that are cancelled before.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    schedule: Schedule
    fires: tuple[Fire, ...]
    next_at: int | None
    cancel: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartQueued(Command[None]):
    """Start the execution of a time (ms) that waited for another execution's end."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False

    schedule: Schedule
    scheduled_at: int


async def fire(command: FireSchedule, context: Context, _principal: Principal) -> None:
    """Raises `ScheduleMovedError` when the schedule is no longer due at that time, `UnavailableError`.

    Whatever else keeps the execution from starting is recorded as what became of the time.
    """
    last = command.fires[-1]
    if last.decision not in STARTS:
        await _record(command, context, command.fires)
        return
    try:
        await _start(command, context)
    except (ScheduleMovedError, UnavailableError):
        raise
    except AlreadyFiredError:
        # Its row stands, so that the insertion changes nothing.
        await _record(command, context, (*command.fires[:-1], replace(last, decision=Decision.COALESCED)))
    except FlowrunError as error:
        failed = replace(last, decision=Decision.FAILED, reason=str(error))
        await _record(command, context, (*command.fires[:-1], failed))


async def _start(command: FireSchedule, context: Context) -> None:
    schedule, last = command.schedule, command.fires[-1]
    require_open(context, schedule.tenant_id)
    now, execution_id = context.clock.now(), context.new_id()
    graph = await context.graphs.get(schedule.tenant_id, schedule.workflow_id)
    start = schedule_start(schedule, last.scheduled_at, graph, now)
    for previous in command.cancel:
        await _cancel(schedule, previous, context)
    row = fire_row(schedule.id, last, execution_id, now)
    await context.engine.start(
        graph,
        schedule.tenant_id,
        start,
        execution_id=execution_id,
        also=partial(_move_on, command=command, now=now),
        rows={t.schedule_fires.name: [tuple(row[column.name] for column in t.schedule_fires.columns)]},
    )


def _move_on(connection: Connection, command: FireSchedule, now: int) -> None:
    """All but the row of the time that starts, which goes in one statement with those of other schedules."""
    *passed, last = command.fires
    move_on(connection, command.schedule, last, command.next_at)
    if passed:
        connection.execute(INSERT_FIRES, [fire_row(command.schedule.id, fire, None, now) for fire in passed])


async def _cancel(schedule: Schedule, execution_id: str, context: Context) -> None:
    fact = Cancel(f"schedule {schedule.name}", "the schedule's next time has come")
    try:
        await context.engine.tell(schedule.tenant_id, execution_id, fact)
    except (ConflictError, NotFoundError):
        return  # It has ended meanwhile.


async def _record(command: FireSchedule, context: Context, fires: tuple[Fire, ...]) -> None:
    change = partial(
        record_fires, schedule=command.schedule, fires=fires, next_at=command.next_at, now=context.clock.now()
    )
    await context.writer.transact(change)


async def start_queued(command: StartQueued, context: Context, _principal: Principal) -> None:
    """Raises `ScheduleMovedError` when the time doesn't wait any more, `UnavailableError`."""
    schedule, now, execution_id = command.schedule, context.clock.now(), context.new_id()
    fired = partial(_settle, command=command, decision=Decision.FIRED, execution_id=execution_id, now=now)
    try:
        require_open(context, schedule.tenant_id)
        graph = await context.graphs.get(schedule.tenant_id, schedule.workflow_id)
        start = schedule_start(schedule, command.scheduled_at, graph, now)
        await context.engine.start(graph, schedule.tenant_id, start, execution_id=execution_id, also=fired)
    except (ScheduleMovedError, UnavailableError):
        raise
    except FlowrunError as error:
        failed = partial(_settle, command=command, decision=Decision.FAILED, reason=str(error), now=now)
        await context.writer.transact(failed)


def _settle(
    connection: Connection,
    command: StartQueued,
    decision: Decision,
    now: int,
    execution_id: str | None = None,
    reason: str = "waited until the execution before it had ended",
) -> None:
    fires = t.schedule_fires
    waiting = (
        fires.c.schedule_id == command.schedule.id,
        fires.c.scheduled_at == command.scheduled_at,
        fires.c.decision == Decision.QUEUED.value,
    )
    values = {"decision": decision.value, "reason": reason, "execution_id": execution_id, "decided_at": now}
    if connection.execute(update(fires).where(*waiting).values(**values)).rowcount != 1:
        raise ScheduleMovedError
