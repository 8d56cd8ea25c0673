"""Types that start executions, each by its fact from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from contract.nodes.cases.case import Check, TriggerCase
from support.manual_clock import ManualClock
from support.runtime import PATIENCE, Bench

from flowrun.bus import SYSTEM
from flowrun.commands.receive_events import ReceiveEvents
from flowrun.commands.receive_webhook import DeliveryFailedError, ReceiveWebhook
from flowrun.commands.start_execution import StartExecution
from flowrun.errors import InvalidInputError
from flowrun.persistence import tables as t
from flowrun.triggers.cloud_events import structured

_BEGINS = "an execution begins with it: there is nothing that could still go wrong or last"
STARTS = dict.fromkeys((Check.RETRY, Check.TIMEOUT, Check.CANCEL), _BEGINS)
BROKEN_MAP = {"x": "{{ trigger.body + 1 }}"}


async def _by_hand(b: Bench, _clock: ManualClock) -> None:
    await b.send(StartExecution(tenant_id="acme", workflow_id="w", input={"n": 7}, idempotency_key="once"))


async def _by_hand_without_input(b: Bench, _clock: ManualClock) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await b.send(StartExecution(tenant_id="acme", workflow_id="w"))
    assert [issue.path for issue in refused.value.issues] == ["input.n"]


async def _request(b: Bench, clock: ManualClock) -> None:
    matches = b.runtime.context.routes.match("acme", "POST", "orders")
    message = ReceiveWebhook(
        tenant_id="acme",
        matches=matches,
        method="POST",
        path="orders",
        headers={"idempotency-key": "once"},
        body={"n": 7},
        received_at=clock.now(),
    )
    await b.runtime.mediator.send(message, SYSTEM)


async def _refused_request(b: Bench, clock: ManualClock) -> None:
    with pytest.raises(DeliveryFailedError):
        await _request(b, clock)


async def _event(b: Bench, _clock: ManualClock) -> Any:
    event = structured({"specversion": "1.0", "id": "1", "source": "/s", "type": "order.paid", "data": {"n": 7}})
    return await b.send(ReceiveEvents(tenant_id="acme", events=[event]))


async def _refused_event(b: Bench, clock: ManualClock) -> None:
    (item,) = (await _event(b, clock))["items"]
    assert [one["outcome"] for one in item["deliveries"]] == ["failed"]


async def _time(_b: Bench, clock: ManualClock) -> None:
    await asyncio.sleep(0)  # Who waits for the time has begun to.
    clock.advance(3600)


async def _refused_time(b: Bench, clock: ManualClock) -> None:
    await _time(b, clock)
    async with asyncio.timeout(PATIENCE):
        while not (fires := await b.runtime.context.reader.all(t.schedule_fires.select())):
            await b.runtime.context.writer.transact(lambda _connection: None)
    assert [fire["decision"] for fire in fires] == ["failed"]


async def _failure(b: Bench, clock: ManualClock) -> None:
    await b.save("t -> f; f: fail", workflow="broken", on_error="w")
    await b.end(await b.start(workflow="broken"))
    clock.advance(1)


TRIGGERS = (
    TriggerCase(
        type="manual",
        params={"inputs": {"n": {"type": "integer", "required": True}}},
        fire=_by_hand,
        output={"n": 7},
        refuse=_by_hand_without_input,
        exempt=STARTS,
    ),
    TriggerCase(
        type="webhook",
        params={"path": "orders", "auth": "none"},
        fire=_request,
        output={"n": 7},
        refuse=_refused_request,
        faulty={"map": BROKEN_MAP},
        exempt=STARTS,
    ),
    TriggerCase(
        type="event",
        params={"event_type": "order.*"},
        fire=_event,
        output={"n": 7},
        refuse=_refused_event,
        faulty={"map": BROKEN_MAP},
        exempt=STARTS,
    ),
    TriggerCase(
        type="schedule",
        params={"at": ["2027-01-15T08:30:00Z"], "map": {"at": "{{ trigger.scheduled_at }}"}},
        fire=_time,
        output={"at": "2027-01-15T08:30:00.000Z"},
        refuse=_refused_time,
        faulty={"map": {"x": "{{ trigger.scheduled_at + 1 }}"}},
        exempt=STARTS,
    ),
    TriggerCase(
        type="error",
        params={},
        fire=_failure,
        output=lambda told: told["error"]["type"] == "failed" and told["workflow_id"] == "broken",
        exempt=STARTS
        | {
            Check.FAILURE: "it has no params, and the error is always an object",
            Check.REDELIVERY: "the failure of an execution is no message: it happens once, in the commit that ends it",
        },
    ),
)
