"""Schedules: look at them, pause and resume them, fire them by hand."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, execution_url, page
from flowrun.commands.schedule_commands import PauseSchedule, ResumeSchedule, TriggerSchedule
from flowrun.queries.get_schedule import GetSchedule
from flowrun.queries.list_fires import ListFires
from flowrun.queries.list_schedules import ListSchedules
from flowrun.triggers.schedules.policy import Decision
from flowrun.triggers.schedules.stored import ScheduleStatus

_ALL = "/api/v1/tenants/{tenant}/schedules"
_ONE = _ALL + "/{schedule}"


async def listing(call: Call) -> Response:
    """List schedules."""
    status = call.query["status"]
    query = ListSchedules(
        tenant_id=call.path("tenant"),
        workflow_id=call.query["workflow"],
        status=None if status is None else ScheduleStatus(status),
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def show(call: Call) -> Response:
    """Show one schedule."""
    return JsonReply(await call.send(GetSchedule(tenant_id=call.path("tenant"), schedule_id=call.path("schedule"))))


async def fires(call: Call) -> Response:
    """List what became of a schedule's times."""
    query = ListFires(
        tenant_id=call.path("tenant"),
        schedule_id=call.path("schedule"),
        decisions=tuple(Decision(decision) for decision in call.query["decision"]),
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def pause(call: Call) -> Response:
    """Pause a schedule."""
    message = PauseSchedule(
        tenant_id=call.path("tenant"), schedule_id=call.path("schedule"), idempotency_key=call.idempotency_key
    )
    return JsonReply(await call.send(message))


async def resume(call: Call) -> Response:
    """Resume a schedule."""
    message = ResumeSchedule(
        tenant_id=call.path("tenant"), schedule_id=call.path("schedule"), idempotency_key=call.idempotency_key
    )
    return JsonReply(await call.send(message))


async def trigger(call: Call) -> Response:
    """Fire a schedule by hand."""
    message = TriggerSchedule(
        tenant_id=call.path("tenant"), schedule_id=call.path("schedule"), idempotency_key=call.idempotency_key
    )
    answer = await call.send(message)
    url = execution_url(call.path("tenant"), str(answer["execution_id"]))
    return JsonReply({**answer, "status_url": url}, 202, headers={"location": url})


_CHANGED = {200: "`{id, status, next_at}`."}
OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        listing,
        "List schedules, each in words and with its next five times",
        query=(
            Param("workflow", "string", "Of this workflow alone."),
            Param("status", "string", "Only these.", choices=tuple(ScheduleStatus)),
            *PAGE,
        ),
        answers=PAGED,
    ),
    Operation("GET", _ONE, show, "Show a schedule"),
    Operation(
        "GET",
        _ONE + "/fires",
        fires,
        "List what became of a schedule's times, the latest first",
        query=(Param("decision", "strings", "Only these.", choices=tuple(Decision), default=()), *PAGE),
        answers=PAGED,
    ),
    Operation("POST", _ONE + "/pause", pause, "Let a schedule fire no more", body=(), answers=_CHANGED),
    Operation("POST", _ONE + "/resume", resume, "Let a paused schedule fire again", body=(), answers=_CHANGED),
    Operation(
        "POST",
        _ONE + "/trigger",
        trigger,
        "Start a schedule's workflow now",
        body=(),
        answers={202: "`{execution_id, schedule_id, workflow_id, version, status_url}`.", 409: "It isn't published."},
    ),
)
