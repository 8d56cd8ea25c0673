"""What becomes of a time that comes while an execution of its schedule still runs."""

from __future__ import annotations

import pytest

from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.schedule_commands import PauseSchedule
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.domain.definition import WorkflowStatus
from flowrun.queries.get_execution import GetExecution


async def test_overlap_skip(at):
    schedule = await at.save({"cron": "* * * * *"}, node="gated")
    at.clock.advance(60)
    await at.begun(1)
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"), (2, "skipped_overlap"))
    at.gated.open.set()
    await at.becomes(lambda: finished(at), ["completed"])
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"), (2, "skipped_overlap"), (3, "fired"))


async def finished(at):
    return [one["status"] for one in await at.executions() if one["finished_at"] is not None]


async def test_overlap_queue_starts_one_when_the_other_ends(at):
    schedule = await at.save({"cron": "* * * * *", "overlap": "queue"}, node="gated")
    for begun in (1, 1, 1):
        at.clock.advance(60)
        await at.begun(begun)
        await at.still()
    await at.fires(schedule, (1, "fired"), (2, "queued"), (3, "skipped_overlap"))
    assert (await at.schedule(schedule))["queued_at"] == "2027-01-15T08:02:00.000Z"
    at.gated.let_end(at.gated.begun[0][1])
    await at.begun(2)
    await at.fires(schedule, (1, "fired"), (2, "fired"), (3, "skipped_overlap"))
    document = await at.send(GetExecution(tenant_id="acme", execution_id=at.gated.begun[1][1]))
    assert document["trigger"]["scheduled_at"] == "2027-01-15T08:02:00.000Z"
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"), (2, "fired"), (3, "skipped_overlap"), (4, "queued"))


async def test_a_queued_time_outlives_a_restart(opened, clock):
    async with opened() as at:
        schedule = await at.save({"cron": "* * * * *", "overlap": "queue"}, node="gated")
        clock.advance(60)
        await at.begun(1)
        clock.advance(60)
        await at.fires(schedule, (1, "fired"), (2, "queued"))
    async with opened() as at:
        await at.begun(1)
        await at.still()
        assert len(at.gated.begun) == 1, "the first one still runs"
        at.gated.let_end(at.gated.begun[0][1])
        await at.begun(2)
        await at.fires(schedule, (1, "fired"), (2, "fired"))


@pytest.mark.parametrize("how", ["pause", "archive", "remove"])
async def test_a_queued_time_is_dropped_when_its_schedule_stops(at, how):
    schedule = await at.save({"cron": "* * * * *", "overlap": "queue"}, node="gated")
    at.clock.advance(60)
    await at.begun(1)
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"), (2, "queued"))
    if how == "pause":
        await at.send(PauseSchedule(tenant_id="acme", schedule_id=schedule["id"]))
    elif how == "archive":
        await at.send(SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=WorkflowStatus.ARCHIVED))
    else:
        document = {"id": "w", "nodes": [{"id": "m", "type": "manual"}], "edges": []}
        await at.send(SaveWorkflow(tenant_id="acme", workflow_id="w", document=document))
    at.gated.open.set()
    await at.still()
    await at.fires(schedule, (1, "fired"), (2, "dropped"))
    assert await at.count() == 1


@pytest.mark.parametrize("limit", [{}, {"concurrency": {"limit": 1, "at_limit": "reject"}}])
async def test_overlap_cancel_previous(at, limit):
    schedule = await at.save({"cron": "* * * * *", "overlap": "cancel_previous"}, node="gated", **limit)
    at.clock.advance(60)
    await at.begun(1)
    at.clock.advance(60)
    await at.begun(2)
    await at.fires(schedule, (1, "fired"), (2, "cancelled_previous"))
    await at.becomes(lambda: finished(at), ["cancelled"])
    first = at.gated.begun[0][1]
    document = await at.send(GetExecution(tenant_id="acme", execution_id=first))
    assert document["status"] == "cancelled"


async def test_overlap_knows_what_an_earlier_process_left_running(opened, clock):
    async with opened() as at:
        schedule = await at.save({"cron": "* * * * *"}, node="gated")
        clock.advance(60)
        await at.begun(1)
    async with opened() as at:
        clock.advance(60)
        await at.fires(schedule, (1, "fired"), (2, "skipped_overlap"))
