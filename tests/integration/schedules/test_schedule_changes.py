"""Schedules are changed, paused, fired by hand and looked at."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import func

from flowrun.commands.delete_workflow import DeleteWorkflow
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.schedule_commands import PauseSchedule, ResumeSchedule, TriggerSchedule
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.domain.definition import WorkflowStatus
from flowrun.errors import ConflictError, InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.queries.get_schedule import GetSchedule
from flowrun.queries.list_fires import ListFires
from flowrun.queries.list_schedules import ListSchedules

EVERY = {"cron": "* * * * *", "overlap": "allow"}


async def test_a_changed_schedule_counts_at_once_and_an_unchanged_one_keeps_its_next_time(at):
    schedule = await at.save({"every": "1h"})
    at.clock.advance(600)
    same = await at.save({"every": "1h", "overlap": "allow"})
    assert (same["id"], same["next_at"], same["overlap"]) == (schedule["id"], schedule["next_at"], "allow")
    changed = await at.save({"every": "1m"})
    assert changed["id"] == schedule["id"]
    assert changed["next_at"] == "2027-01-15T08:11:00.000Z"
    at.clock.advance(60)
    await at.fires(schedule, (11, "fired"))


async def test_only_published_workflows_fire(at):
    schedule = await at.save(EVERY, status="draft")
    assert (schedule["status"], schedule["next_at"]) == ("inactive", None)
    at.clock.advance(90)
    await at.send(SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=WorkflowStatus.PUBLISHED))
    at.clock.advance(60)
    await at.fires(schedule, (2, "fired"))
    await at.send(SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=WorkflowStatus.ARCHIVED))
    await at.walk(120, 10)
    assert await at.shown(schedule) == [(2, "fired")]
    assert await at.count() == 1


async def test_a_disabled_trigger_doesnt_fire_and_keeps_its_schedule(at):
    schedule = await at.save(EVERY)
    nodes = [{"id": "tick", "type": "schedule", "params": EVERY, "disabled": True}, {"id": "m", "type": "manual"}]
    await at.send(SaveWorkflow(tenant_id="acme", workflow_id="w", document={"nodes": nodes, "edges": []}))
    assert (await at.schedule(schedule))["status"] == "inactive"
    at.clock.advance(90)
    assert (await at.save(EVERY))["id"] == schedule["id"]
    at.clock.advance(60)
    await at.fires(schedule, (2, "fired"))


async def test_a_deleted_workflow_takes_its_schedules_along(at):
    schedule = await at.save(EVERY)
    await at.send(DeleteWorkflow(tenant_id="acme", workflow_id="w"))
    with pytest.raises(NotFoundError):
        await at.schedule(schedule)
    at.clock.advance(60)
    await at.still()
    assert await at.executions() == []


async def test_a_schedule_that_cannot_be_read_any_more_holds_up_no_other(at, caplog):
    gone = await at.save(EVERY | {"timezone": "Europe/Kiev"}, workflow="gone")
    good = await at.save(EVERY)

    def rename(connection):
        # As on a machine that doesn't know the old name of a zone.
        config = func.replace(t.schedules.c.config, "Europe/Kiev", "Europe/Nowhere")
        connection.execute(t.schedules.update().where(t.schedules.c.id == gone["id"]).values(config=config))

    await at.runtime.context.writer.transact(rename)
    at.runtime.context.schedules.changed()
    for minute in (1, 2):
        at.clock.advance(60)
        await at.fires(good, *((passed, "fired") for passed in range(1, minute + 1)))
    told = f"The schedule {gone['id']} of gone doesn't fire: it cannot be read any more: is no time zone"
    assert caplog.text.count(told) == 1
    shown = {one["id"]: one for one in (await at.send(ListSchedules(tenant_id="acme")))["items"]}
    assert shown[gone["id"]]["when"].startswith("cannot be read any more: is no time zone")
    assert len(shown[good["id"]]["next_times"]) == 5
    asked = {"tenant_id": "acme", "schedule_id": gone["id"]}
    with pytest.raises(InvalidInputError, match="no time zone"):
        await at.send(TriggerSchedule(**asked))
    await at.send(PauseSchedule(**asked))
    with pytest.raises(InvalidInputError, match="no time zone"):
        await at.send(ResumeSchedule(**asked))


async def test_pause_and_resume(at):
    schedule = await at.save(EVERY)
    asked = {"tenant_id": "acme", "schedule_id": schedule["id"]}
    assert (await at.send(PauseSchedule(**asked)))["status"] == "paused"
    assert (await at.send(PauseSchedule(**asked)))["status"] == "paused"
    await at.walk(300, 20)
    assert (await at.save({**EVERY, "name": "Other"}))["status"] == "paused", "saving doesn't resume it"
    answer = await at.send(ResumeSchedule(**asked))
    assert answer == {"id": schedule["id"], "status": "active", "next_at": "2027-01-15T08:06:00.000Z"}
    at.clock.advance(60)
    await at.fires(schedule, (6, "fired"))


async def test_a_paused_schedule_of_an_archived_workflow_doesnt_fire_when_resumed(at):
    schedule = await at.save(EVERY)
    asked = {"tenant_id": "acme", "schedule_id": schedule["id"]}
    await at.send(PauseSchedule(**asked))
    await at.send(SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=WorkflowStatus.ARCHIVED))
    assert (await at.send(ResumeSchedule(**asked)))["status"] == "inactive"


async def test_triggered_by_hand_it_starts_at_once_and_leaves_its_times_alone(at):
    schedule = await at.save({"cron": "* * * * *"}, node="gated")
    asked = {"tenant_id": "acme", "schedule_id": schedule["id"]}
    await at.send(PauseSchedule(**asked))
    first = await at.send(TriggerSchedule(**asked, idempotency_key="k"))
    assert await at.send(TriggerSchedule(**asked, idempotency_key="k")) == first
    at.clock.advance(0.5)
    second = await at.send(TriggerSchedule(**asked))
    assert [one["id"] for one in await at.executions()] == [first["execution_id"], second["execution_id"]]
    assert [row["decision"] for row in await at.rows(schedule)] == ["triggered", "triggered"]
    await at.send(SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=WorkflowStatus.ARCHIVED))
    with pytest.raises(ConflictError, match="isn't published"):
        await at.send(TriggerSchedule(**asked))


async def test_what_is_shown(at):
    schedule = await at.save({"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, name="Report")
    assert schedule["when"] == "at 09:00 on weekdays, Europe/Berlin"
    assert schedule["next_times"][:2] == ["2027-01-18T08:00:00.000Z", "2027-01-19T08:00:00.000Z"]
    assert len(schedule["next_times"]) == 5
    assert [one < other for one, other in pairwise(schedule["next_times"])] == [True] * 4
    with pytest.raises(NotFoundError):
        await at.send(GetSchedule(tenant_id="other", schedule_id=schedule["id"]))
    with pytest.raises(NotFoundError):
        await at.send(ListFires(tenant_id="other", schedule_id=schedule["id"]))
    with pytest.raises(NotFoundError):
        await at.send(PauseSchedule(tenant_id="other", schedule_id=schedule["id"]))
    with pytest.raises(NotFoundError):
        await at.send(TriggerSchedule(tenant_id="other", schedule_id=schedule["id"]))


async def test_fires_come_in_pages_the_latest_first(at):
    schedule = await at.save({**EVERY, "misfire": "all"})
    at.clock.put(600)
    await at.becomes(at.count, 10)
    asked, pages, cursor = {"tenant_id": "acme", "schedule_id": schedule["id"], "limit": 4}, [], None
    while True:
        found = await at.send(ListFires(**asked, cursor=cursor))
        pages.append([one["scheduled_at"] for one in found["items"]])
        cursor = found["next"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [4, 4, 2]
    times = [time for page in pages for time in page]
    assert times == sorted(times, reverse=True)
