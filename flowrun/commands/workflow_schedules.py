"""The schedules of a workflow: what its definition says of them, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from flowrun.domain.definition import NodeDefinition, WorkflowDefinition
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.errors import InvalidInputError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump, load
from flowrun.triggers.schedules.policy import Decision
from flowrun.triggers.schedules.stored import ScheduleStatus
from flowrun.triggers.schedules.timing import timing_of, timing_params

SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class ScheduleNode:
    """A schedule trigger of a definition; `config` is its params with their defaults."""

    node: NodeDefinition
    config: JsonObject

    @property
    def name(self) -> str:
        """What lists call it."""
        return str(self.config.get("name") or self.node.name or self.node.id)


def schedule_nodes(definition: WorkflowDefinition, types: NodeTypes) -> list[ScheduleNode]:
    """The schedule triggers whose params are valid, disabled ones too; the others are `validate`'s to report."""
    kind = types.get(SCHEDULE)
    found = []
    for node in definition.nodes:
        if kind is None or node.type != SCHEDULE:
            continue
        try:
            found.append(ScheduleNode(node, dict(kind.check(node.params))))
        except InvalidInputError:
            continue
    return found


def store_schedules(
    connection: Connection,
    tenant_id: str,
    workflow_id: str,
    nodes: Sequence[ScheduleNode],
    *,
    active: bool,
    now: int,
    new_id: Callable[[], str],
) -> None:
    """Let the workflow's rows be these; a schedule whose times haven't changed keeps its next one."""
    table = t.schedules
    mine = (table.c.tenant_id == tenant_id, table.c.workflow_id == workflow_id)
    rows = {row["node_id"]: row for row in connection.execute(select(table).where(*mine)).mappings()}
    for node_id in set(rows) - {schedule.node.id for schedule in nodes}:
        drop_queued(connection, rows[node_id]["id"], "the schedule was removed", now)
        connection.execute(delete(table).where(table.c.id == rows[node_id]["id"]))
    for schedule in nodes:
        row = rows.get(schedule.node.id)
        values = _values(schedule, row, live=active and not schedule.node.disabled, now=now)
        if row is None:
            key = {"id": new_id(), "tenant_id": tenant_id, "workflow_id": workflow_id, "node_id": schedule.node.id}
            connection.execute(insert(table).values(**key, **values, created_at=now, updated_at=now))
        elif any(row[name] != value for name, value in values.items()):
            connection.execute(update(table).where(table.c.id == row["id"]).values(**values, updated_at=now))
            if values["status"] == ScheduleStatus.INACTIVE:
                drop_queued(connection, row["id"], "the workflow or its trigger was put out of use", now)


def _values(schedule: ScheduleNode, row: Any, *, live: bool, now: int) -> dict[str, Any]:  # noqa: ANN401 - a row
    same_times = row is not None and timing_params(load(row["config"])) == timing_params(schedule.config)
    anchor = row["anchor_at"] if same_times else now
    before = None if row is None else ScheduleStatus(row["status"])
    values = {"name": schedule.name, "config": dump(schedule.config), "anchor_at": anchor}
    if before is ScheduleStatus.PAUSED:
        return {**values, "status": ScheduleStatus.PAUSED.value, "next_at": None}
    if not live:
        return {**values, "status": ScheduleStatus.INACTIVE.value, "next_at": None}
    if same_times and before is ScheduleStatus.ACTIVE:
        return {**values, "status": ScheduleStatus.ACTIVE.value, "next_at": row["next_at"]}
    return {**values, **started(schedule.config, anchor, now)}


def started(config: JsonObject, anchor: int, now: int) -> dict[str, Any]:
    """The status and the next time of a schedule that begins to fire now."""
    next_at = timing_of(config, anchor).next_after(now)
    status = ScheduleStatus.ENDED if next_at is None else ScheduleStatus.ACTIVE
    return {"status": status.value, "next_at": next_at}


def drop_queued(connection: Connection, schedule_id: str, reason: str, now: int) -> None:
    """Let the time that waits for a running execution wait no more."""
    fires = t.schedule_fires
    waiting = (fires.c.schedule_id == schedule_id, fires.c.decision == Decision.QUEUED.value)
    values = {"decision": Decision.DROPPED.value, "reason": reason, "decided_at": now}
    connection.execute(update(fires).where(*waiting).values(**values))
