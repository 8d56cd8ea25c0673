"""The rows of what became of a schedule's times, and the start of an execution for one of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, exists, select, text, update

from flowrun.domain.expression import compile_template
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError
from flowrun.persistence import tables as t
from flowrun.triggers.schedules.policy import STARTS, Fire
from flowrun.triggers.schedules.stored import Schedule, ScheduleStatus


class ScheduleMovedError(ConflictError):
    """The schedule has been changed, or the time was decided over, meanwhile."""


class AlreadyFiredError(ConflictError):
    """This time of the schedule has been decided over before."""


_ROW = t.schedules
_FIRES = t.schedule_fires
INSERT_FIRES = text(
    "INSERT INTO schedule_fires (schedule_id, scheduled_at, through_at, decision, reason, execution_id, decided_at)"
    " VALUES (:schedule_id, :scheduled_at, :through_at, :decision, :reason, :execution_id, :decided_at)"
    # A clock that was put back far, and a schedule that was changed then, may come by a time again.
    " ON CONFLICT DO NOTHING"
)
_DECIDED = exists().where(
    _FIRES.c.schedule_id == bindparam("schedule"), _FIRES.c.scheduled_at == bindparam("starting")
)  # fmt: skip
_MOVE = (
    update(_ROW)
    .where(_ROW.c.id == bindparam("schedule"), _ROW.c.next_at == bindparam("due_at"), ~_DECIDED)
    .values(next_at=bindparam("moved_to"), last_at=bindparam("decided"), status=bindparam("state"))
)


def record_fires(
    connection: Connection, schedule: Schedule, fires: Sequence[Fire], next_at: int | None, *, now: int
) -> None:
    """Write what became of the schedule's next times, none of which starts an execution, and move it on.

    Raises `ScheduleMovedError` when it has been moved on by someone else.
    """
    move_on(connection, schedule, fires[-1], next_at)
    connection.execute(INSERT_FIRES, [fire_row(schedule.id, fire, None, now) for fire in fires])


def move_on(connection: Connection, schedule: Schedule, last: Fire, next_at: int | None) -> None:
    """Move a schedule on to its next time, after the last one that was decided over.

    Raises `ScheduleMovedError` when it has been moved on by someone else, and `AlreadyFiredError` when the last
    time is to start an execution and has a row already.
    """
    status = ScheduleStatus.ENDED if next_at is None else ScheduleStatus.ACTIVE
    moved = connection.execute(
        _MOVE,
        {
            "schedule": schedule.id,
            "due_at": schedule.next_at,
            "starting": last.scheduled_at if last.decision in STARTS else None,
            "moved_to": next_at,
            "decided": last.through or last.scheduled_at,
            "state": status.value,
        },
    )
    if moved.rowcount != 1:
        present = connection.scalar(select(_ROW.c.next_at).where(_ROW.c.id == schedule.id))
        raise AlreadyFiredError if present == schedule.next_at else ScheduleMovedError


def fire_row(schedule_id: str, fire: Fire, execution_id: str | None, now: int) -> dict[str, object]:
    """A row of `schedule_fires`."""
    return {
        "schedule_id": schedule_id,
        "scheduled_at": fire.scheduled_at,
        "through_at": fire.through,
        "decision": fire.decision.value,
        "reason": fire.reason,
        "execution_id": execution_id,
        "decided_at": now,
    }


def schedule_start(schedule: Schedule, scheduled_at: int, graph: Graph, now: int, *, by: str | None = None) -> Start:
    """What starts an execution of the schedule's workflow for a time (ms).

    Raises `ExpressionError` when the schedule's `map` fails, `InvalidInputError` when the graph lacks its node.
    """
    node = graph.trigger(schedule.node_id)
    trigger: JsonObject = {
        "type": "schedule",
        "scheduled_at": rfc3339(scheduled_at),
        "body": None,
        "timezone": schedule.config.get("timezone"),
        "schedule": {"id": schedule.id, "name": schedule.name},
    }
    template = schedule.config.get("map")
    if template:
        trigger["body"] = compile_template(template).evaluate({"trigger": trigger}, now=now)
    return Start(node.id, trigger, by=by or f"schedule {schedule.name}")
