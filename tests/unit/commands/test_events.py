"""Events by command: each trigger once, also when a delivery breaks off in the middle."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import update

from flowrun.bus import SYSTEM
from flowrun.commands import event_delivery
from flowrun.commands.fire_timer import FireTimer
from flowrun.commands.receive_events import ReceiveEvents
from flowrun.commands.recover_events import RecoverEvents
from flowrun.commands.set_tenant_status import SetTenantStatus
from flowrun.domain.facts import TimerKind
from flowrun.errors import ConflictError, NotFoundError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.queries.list_events import ListEvents
from flowrun.triggers.cloud_events import structured

DAY = 24 * 3600


def on(event_type="order.paid", **params):
    return {"id": "on", "type": "event", "params": {"event_type": event_type, **params}}


def cloud_event(event_id="1", kind="order.paid", data=None, **more):
    return structured({"specversion": "1.0", "id": event_id, "source": "/s", "type": kind, "data": data, **more})


async def receive(service, *events, tenant="acme"):
    message = ReceiveEvents(tenant_id=tenant, events=events)
    return (await service.send(message))["items"]


async def started(service):
    return Counter(row["workflow_id"] for row in await service.rows(t.executions))


async def test_it_starts_what_waits_and_says_what_became_of_it(service):
    await service.save("a", [on(map={"n": "{{ trigger.body.n + 1 }}"})])
    await service.save("b", [on("order.*", filter="trigger.event.subject == 'x'")])
    await service.save("c", [on("*", filter="1 / trigger.body.zero")])
    (answer,) = await receive(service, cloud_event(data={"n": 1, "zero": 0}))
    assert {one["workflow_id"]: one["outcome"] for one in answer["deliveries"]} == {"a": "started", "c": "failed"}
    assert answer["outcome"] == "started"
    (listed,) = (await service.send(ListEvents(tenant_id="acme")))["items"]
    assert (listed["outcome"], listed["filtered"]) == ("started", 1)
    failed = next(one for one in listed["deliveries"] if one["workflow_id"] == "c")
    assert failed["reason"]
    assert (await started(service)) == {"a": 1}


async def test_the_payload_is_kept_until_an_execution_holds_it(service):
    await receive(service, cloud_event("none", data="kept"))
    await service.save("a", [on()])
    await receive(service, cloud_event("one", data="held"))
    assert {row["event_id"]: row["payload"] for row in await service.rows(t.events)} == {"none": '"kept"', "one": None}


async def test_a_day_later_the_same_id_is_another_event(service):
    await service.save("a", [on()])
    for seconds, count in ((0, 1), (DAY - 1, 1), (2, 2)):
        service.clock.advance(seconds)
        await receive(service, cloud_event())
        assert (await started(service))["a"] == count


async def test_a_delivery_that_breaks_off_is_ended_by_the_sender_s_next_try(service, monkeypatch):
    for name in "abc":
        await service.save(name, [on()])
    original = event_delivery._deliver_to

    async def broken(context, event, match):
        if match.workflow_id == "b":
            raise UnavailableError
        return await original(context, event, match)

    monkeypatch.setattr(event_delivery, "_deliver_to", broken)
    with pytest.raises(UnavailableError):
        await receive(service, cloud_event())
    await asyncio.sleep(0.05)
    monkeypatch.undo()
    (row,) = await service.rows(t.events)
    assert row["outcome"] == "pending"
    (answer,) = await receive(service, cloud_event())
    assert (answer["outcome"], answer["duplicate"], len(answer["executions"])) == ("started", True, 3)
    assert await started(service) == {"a": 1, "b": 1, "c": 1}


async def test_a_delivery_that_breaks_off_is_ended_at_the_next_start(service):
    for name in "abc":
        await service.save(name, [on()])
    await receive(service, cloud_event(data={"n": 7}))

    def undo(connection):
        # As if the process had died before the last of the starts, and before the end of the delivery.
        connection.execute(update(t.events).values(outcome="pending", payload='{"n":7}'))
        connection.execute(t.event_deliveries.delete().where(t.event_deliveries.c.workflow_id == "b"))

    await service.context.writer.transact(undo)
    await asyncio.gather(*(service.send(RecoverEvents(), SYSTEM) for _ in range(3)))
    assert await started(service) == {"a": 1, "b": 2, "c": 1}
    (row,) = await service.rows(t.events)
    assert (row["outcome"], row["payload"]) == ("started", None)


async def test_what_a_full_disk_kept_from_being_delivered_is_delivered_when_there_is_room(service, caplog):
    async def allow_pages(most):
        await service.context.writer.between(lambda raw: raw.execute(f"PRAGMA max_page_count={most}"))

    await receive(service, cloud_event(data="x" * 100_000))
    await service.save("a", [on()])
    await service.context.writer.transact(
        lambda connection: connection.execute(update(t.events).values(outcome="pending"))
    )
    await allow_pages(1)  # SQLite takes the present size instead of a smaller one.
    recovery = asyncio.create_task(service.send(RecoverEvents(), SYSTEM))
    async with asyncio.timeout(5):
        while "is delivered later" not in caplog.text:  # noqa: ASYNC110 - a log, with no event
            await asyncio.sleep(0.01)
    assert await started(service) == {}
    await allow_pages(0xFFFFFFFE)
    service.clock.advance(1)
    await recovery
    assert await started(service) == {"a": 1}


async def test_an_emitted_event_is_delivered_once_however_often_its_timer_fires(service):
    emit = {"id": "e", "type": "emit", "params": {"event_type": "made", "data": "{{ input }}"}}
    await service.save("a", [on(), emit], [("on", "e")])
    await service.save("b", [on("made")])
    (answer,) = await receive(service, cloud_event(data=5))
    await asyncio.sleep(0.1)
    fire = FireTimer(execution_id=answer["executions"][0], kind=TimerKind.EVENT, key=("e", ""))
    await asyncio.gather(*(service.send(fire, SYSTEM) for _ in range(5)))
    assert await started(service) == {"a": 1, "b": 1}
    assert await service.rows(t.timers) == []


async def test_a_disabled_tenant_is_refused_what_it_emits(service):
    emit = {"id": "e", "type": "emit", "params": {"event_type": "made"}}
    await service.save(
        "a", [on(), {"id": "d", "type": "delay", "params": {"for": "1s"}}, emit], [("on", "d"), ("d", "e")]
    )
    await service.save("b", [on("made")])
    await receive(service, cloud_event())
    await service.send(SetTenantStatus(tenant_id="acme", disabled=True))
    with pytest.raises(ConflictError):
        await receive(service, cloud_event("2"))
    service.clock.advance(2)
    for _ in range(100):
        events = (await service.send(ListEvents(tenant_id="acme", type="made")))["items"]
        if events and events[0]["outcome"] != "pending":
            break
        await asyncio.sleep(0.02)
    assert (events[0]["outcome"], events[0]["deliveries"][0]["reason"]) == ("refused", "the tenant is disabled")
    assert await started(service) == {"a": 1}


async def test_an_unknown_tenant(service):
    with pytest.raises(NotFoundError):
        await receive(service, cloud_event(), tenant="nobody")
    with pytest.raises(NotFoundError):
        await service.send(ListEvents(tenant_id="nobody"))
    with pytest.raises(NotFoundError):
        await service.send(SetTenantStatus(tenant_id="nobody", disabled=True))


async def test_lists_are_filtered_and_paged(service):
    await service.save("a", [on()])
    for number in range(5):
        await receive(service, cloud_event(str(number), "order.paid" if number % 2 else "else"))
    page = await service.send(ListEvents(tenant_id="acme", limit=3))
    rest = await service.send(ListEvents(tenant_id="acme", limit=3, cursor=page["next"]))
    assert [one["event_id"] for one in (*page["items"], *rest["items"])] == ["4", "3", "2", "1", "0"]
    assert len((await service.send(ListEvents(tenant_id="acme", type="else")))["items"]) == 3
    assert len((await service.send(ListEvents(tenant_id="acme", outcome="started")))["items"]) == 2


async def test_an_event_for_many_workflows_is_committed_in_groups(service):
    for number in range(250):
        await service.save(f"w{number}", [on()])
    (answer,) = await receive(service, cloud_event())
    assert len(set(answer["executions"])) == 250
