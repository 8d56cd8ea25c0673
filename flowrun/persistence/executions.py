"""Executions in the database: the rows of a decision, and the state folded from its history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from flowrun.domain.events import Event, ExecutionCreated, NodeEvent, event_data, restore_event
from flowrun.domain.evolve import evolve
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.turn import Decision, Job, Timer
from flowrun.persistence import bulk
from flowrun.persistence import tables as t
from flowrun.persistence.bulk import Row, Rows
from flowrun.persistence.json_text import dump, load
from flowrun.ports import Reader


def rows_of(execution: Execution, decision: Decision, *, created: bool, epoch: int) -> Rows:
    """The rows that store a decision: its events, and the state, jobs and timers as they are after it."""
    rows, eid = Rows(), execution.id
    if decision.ended_jobs:
        rows.add(bulk.DELETE_JOBS, [(eid, *key) for key in decision.ended_jobs])
    if decision.ended_timers:
        rows.add(bulk.DELETE_TIMERS, [(eid, node, it, kind.value) for kind, node, it in decision.ended_timers])
    if created:
        rows.add(bulk.INSERT_EXECUTIONS, [_execution_row(execution)])
    elif decision.status_changed:
        rows.add(bulk.UPDATE_EXECUTIONS, [_execution_change(execution)])
    rows.add(bulk.INSERT_EVENTS, [_event_row(eid, seq, at, event) for seq, at, event in decision.events])
    if decision.touched:
        rows.add(bulk.UPSERT_NODE_EXECUTIONS, [_node_row(execution, run) for run in decision.touched.values()])
    if decision.jobs:
        rows.add(bulk.UPSERT_JOBS, [_job_row(job, epoch) for job in decision.jobs])
    if decision.timers:
        rows.add(bulk.UPSERT_TIMERS, [_timer_row(eid, timer) for timer in decision.timers])
    return rows


def _execution_row(execution: Execution) -> Row:
    return (
        execution.id,
        execution.tenant_id,
        execution.graph.workflow_id,
        execution.graph.version,
        execution.status.value,
        execution.trigger.get("type", "manual"),
        execution.rerun_of,
        execution.reason,
        execution.result_seq,
        execution.created_at,
        execution.started_at,
        execution.finished_at,
    )


def _execution_change(execution: Execution) -> Row:
    return (
        execution.id,
        execution.status.value,
        execution.reason,
        execution.result_seq,
        execution.started_at,
        execution.finished_at,
    )


def _event_row(eid: str, seq: int, at: int, event: Event) -> Row:
    data = event_data(event)
    text = None if data is None else dump(data)
    if isinstance(event, NodeEvent):
        return (eid, seq, at, event.type, event.node, event.iteration, text)
    return (eid, seq, at, event.type, None, None, text)


def _node_row(execution: Execution, run: NodeRun) -> Row:
    return (
        execution.id,
        run.node.id,
        run.iteration,
        run.status.value,
        run.attempt,
        run.lost,
        run.dispatch,
        _sources(execution, run),
        run.skip_reason,
        run.skip_origin,
        run.handling,
        run.result_seq,
        run.queued_at,
        run.started_at,
        run.finished_at,
        run.due_at,
    )


def _sources(execution: Execution, run: NodeRun) -> str | None:
    if len(run.taken) == 1:  # Nearly every node has one parent, and ids need no escaping in JSON.
        return f'["{execution.graph.edges[run.taken[0]].source.id}"]'
    return dump(list[JsonValue](execution.sources(run))) if run.taken else None


def _job_row(job: Job, epoch: int) -> Row:
    return (
        job.execution_id,
        job.node_id,
        job.iteration,
        job.dispatch,
        job.attempt,
        job.lost,
        job.tenant_id,
        job.workflow_id,
        job.node_type,
        job.worker,
        dump(job.params),
        None if job.input is None else dump(job.input),
        job.timeout,
        job.careful,
        job.queued_at,
        job.secret_token,
        epoch,
    )


def _timer_row(eid: str, timer: Timer) -> Row:
    return (eid, timer.node_id, timer.iteration, timer.kind.value, timer.due_at)


def job_from(row: Any) -> Job:  # noqa: ANN401 - a row mapping
    """The job that a row of the table holds."""
    values = dict(row)
    values["params"] = load(values["params"])
    values["input"] = load(values["input"])
    return Job(**{name: values[name] for name in _JOB_COLUMNS})


_JOB_COLUMNS = tuple(column.name for column in t.jobs.columns if column.name != "epoch")


async def load_trigger(reader: Reader, execution_id: str) -> JsonObject | None:
    """What started an execution; None when there is no such execution."""
    events = t.execution_events
    row = await reader.first(select(events).where(events.c.execution_id == execution_id, events.c.seq == 1))
    created = None if row is None else event_from(row)[1]
    return created.trigger if isinstance(created, ExecutionCreated) else None


def event_from(row: Any) -> tuple[int, Event]:  # noqa: ANN401 - a row mapping
    """The time (ms) and the event that a row of the table holds; raises `KeyError` for one that is not known here."""
    return row["at"], restore_event(row["type"], row["node_id"], row["iteration"] or "", load(row["data"]))


def fold(execution: Execution, history: list[tuple[int, Event]]) -> Execution:
    """The state that a history leads to, from a new execution."""
    for at, event in history:
        evolve(execution, event, at)
    return execution
