"""Schedules fire at their times, whatever becomes of the clock and the process: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio

import pytest

from flowrun.commands.schedule_commands import PauseSchedule, ResumeSchedule
from flowrun.commands.set_tenant_status import SetTenantStatus
from flowrun.errors import UnavailableError
from flowrun.persistence import tables as t
from flowrun.queries.get_execution import GetExecution

NOW, MINUTE = 1_800_000_000_000, 60_000
EVERY = {"cron": "* * * * *", "overlap": "allow"}


async def test_a_due_schedule_starts_its_workflow_with_the_time_as_its_trigger(at):
    template = {"when": "{{ trigger.scheduled_at }}", "who": "{{ trigger.schedule.name }}"}
    params = {**EVERY, "timezone": "Europe/Berlin", "map": template, "name": "Tick"}
    schedule = await at.save(params)
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"))
    (execution,) = await at.executions()
    assert (execution["tenant_id"], execution["workflow_id"], execution["trigger_type"]) == ("acme", "w", "schedule")
    document = await at.send(GetExecution(tenant_id="acme", execution_id=execution["id"]))
    assert document["input"] == {"when": "2027-01-15T08:01:00.000Z", "who": "Tick"}
    assert document["trigger"] == {
        "node": "tick",
        "type": "schedule",
        "scheduled_at": "2027-01-15T08:01:00.000Z",
        "timezone": "Europe/Berlin",
        "schedule": {"id": schedule["id"], "name": "Tick"},
    }
    (row,) = await at.rows(schedule)
    assert row["execution_id"] == execution["id"]


async def test_without_a_map_the_input_is_empty(at):
    await at.save(EVERY)
    at.clock.advance(60)
    await at.becomes(at.count, 1)
    document = await at.send(GetExecution(tenant_id="acme", execution_id=(await at.executions())[0]["id"]))
    assert document["input"] is None


async def test_it_fires_at_each_of_its_times_and_at_no_other(at):
    schedule = await at.save(EVERY)
    await at.walk(59)
    assert await at.rows(schedule) == []
    await at.walk(122)
    await at.fires(schedule, (1, "fired"), (2, "fired"), (3, "fired"))


async def test_an_interval_is_counted_from_the_start_over_restarts(opened, clock):
    async with opened() as at:
        schedule = await at.save({"every": "2m", "overlap": "allow"})
        await at.walk(130, 10)
        await at.fires(schedule, (2, "fired"))
    clock.advance(77)
    async with opened() as at:
        await at.walk(100, 10)
        await at.fires(schedule, (2, "fired"), (4, "fired"))


async def test_a_list_of_times_ends(at):
    schedule = await at.save({"at": ["2027-01-15T08:01:00Z", "2027-01-15T09:03:00"], "timezone": "Europe/Berlin"})
    assert schedule["next_times"] == ["2027-01-15T08:01:00.000Z", "2027-01-15T08:03:00.000Z"]
    at.clock.advance(60)
    await at.fires(schedule, (1, "fired"))
    at.clock.advance(120)
    await at.fires(schedule, (1, "fired"), (3, "fired"))
    assert (await at.schedule(schedule))["status"] == "ended"


# --- clocks and stops


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        ({"misfire": "skip"}, [*((n, "skipped_misfire") for n in range(1, 60)), (60, "fired"), (61, "fired")]),
        ({"misfire": "coalesce"}, [*((n, "coalesced") for n in range(1, 61)), (61, "fired")]),
        ({"misfire": "all"}, [(n, "fired") for n in range(1, 62)]),
        (
            {"misfire": "all", "max_n": 2},
            [*((n, "skipped_misfire") for n in range(1, 60)), (60, "fired"), (61, "fired")],
        ),
    ],
)
@pytest.mark.parametrize("stopped", [False, True])
async def test_a_clock_put_forth_or_a_stop_of_an_hour_loses_nothing_beyond_the_policy(
    opened, clock, misfire, expected, stopped
):
    async with opened() as at:
        schedule = await at.save({**EVERY, **misfire})
        if not stopped:
            clock.put(3660)
            await at.fires(schedule, *expected)
    if stopped:
        clock.put(3660)
        async with opened() as at:
            await at.fires(schedule, *expected)
            executions = await at.executions()
            assert len(executions) == sum(decision == "fired" for _, decision in expected)


async def test_a_clock_put_back_fires_nothing_twice(at):
    schedule = await at.save(EVERY)
    await at.walk(125, 5)
    await at.fires(schedule, (1, "fired"), (2, "fired"))
    at.clock.put(-3600)
    await at.walk(3600, 30)
    assert await at.shown(schedule) == [(1, "fired"), (2, "fired")]
    await at.walk(120, 5)
    await at.fires(schedule, (1, "fired"), (2, "fired"), (3, "fired"), (4, "fired"))
    assert await at.count() == 4


async def test_a_schedule_made_anew_after_the_clock_was_put_back_repeats_no_time(at):
    schedule = await at.save(EVERY)
    await at.walk(125, 5)
    at.clock.put(-120)
    await at.send(PauseSchedule(tenant_id="acme", schedule_id=schedule["id"]))
    await at.send(ResumeSchedule(tenant_id="acme", schedule_id=schedule["id"]))
    assert (await at.schedule(schedule))["next_at"] == "2027-01-15T08:01:00.000Z"
    await at.walk(180, 5)
    await at.fires(schedule, (1, "fired"), (2, "fired"), (3, "fired"))
    assert await at.count() == 3


async def test_a_late_process_fires_what_is_within_its_grace(at):
    schedule = await at.save({**EVERY, "grace": "10m", "misfire": "skip"})
    at.clock.put(480)
    await at.fires(schedule, *((n, "fired") for n in range(1, 9)))


async def test_what_cannot_start_is_a_row_that_says_why(at):
    schedule = await at.save({**EVERY, "map": {"x": "{{ 1 / (trigger.body or 0) }}"}})
    at.clock.advance(60)
    await at.fires(schedule, (1, "failed"))
    (row,) = await at.rows(schedule)
    assert "zero" in row["reason"]
    at.clock.advance(60)
    await at.fires(schedule, (1, "failed"), (2, "failed"))


async def test_a_commit_that_fails_is_tried_again(at, monkeypatch):
    schedule = await at.save(EVERY)
    engine, start, failures = at.runtime.engine, at.runtime.engine.start, []

    async def failing(*arguments, **more):
        if len(failures) < 2:
            failures.append(1)
            raise UnavailableError("the disk is full")
        return await start(*arguments, **more)

    monkeypatch.setattr(engine, "start", failing)
    at.clock.advance(60)
    await at.walk(6, 0.5)
    await at.fires(schedule, (1, "fired"))
    assert len(failures) == 2


async def test_a_disabled_tenants_schedules_wait(at):
    schedule = await at.save(EVERY)
    await at.walk(50, 10)
    await at.send(SetTenantStatus(tenant_id="acme", disabled=True))
    await at.still()
    await at.walk(20, 10)
    assert await at.rows(schedule) == [], "it was in memory already, and due while the tenant was disabled"
    await at.send(SetTenantStatus(tenant_id="acme", disabled=False))
    await at.fires(schedule, (1, "fired"))


async def test_more_than_is_held_in_memory_or_fires_at_once(at, monkeypatch):
    monkeypatch.setattr("flowrun.coordinator.schedules._AT_ONCE", 3)
    monkeypatch.setattr("flowrun.coordinator.near_schedules._WINDOW", 7)
    for number in range(40):
        await at.save({**EVERY, "misfire": "all"}, workflow=f"w{number}")
    at.clock.put(120)
    await at.becomes(at.count, 80)
    fires = await at.runtime.context.reader.all(t.schedule_fires.select())
    assert {(row["scheduled_at"] - NOW, row["decision"]) for row in fires} == {(MINUTE, "fired"), (2 * MINUTE, "fired")}
    assert len(fires) == 80


async def test_rows_that_are_read_while_schedules_fire_confuse_nothing(at):
    every_second = {"cron": "* * * * * *", "overlap": "allow", "misfire": "all"}
    schedules = [await at.save(every_second, workflow=f"w{number}") for number in range(10)]
    for _ in range(200):
        at.clock.advance(0.1)
        at.runtime.context.schedules.changed()
        await asyncio.sleep(0.002)
    expected = [(second / 60, "fired") for second in range(1, 21)]
    for schedule in schedules:
        await at.fires(schedule, *expected)
    assert await at.count() == 200
