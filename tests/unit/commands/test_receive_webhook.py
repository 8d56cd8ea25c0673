"""What becomes of a delivery, and what is kept of it."""

from __future__ import annotations

import asyncio

import pytest

from flowrun.commands.idempotency import KEPT_MS
from flowrun.commands.receive_webhook import DeliveryFailedError, MethodNotAllowedError, Outcome
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t


def hook(**params):
    return {"id": "hook", "type": "webhook", "params": {"path": "in", "auth": "none", **params}}


def outcomes(deliveries):
    return [delivery.outcome for delivery in deliveries.all]


async def test_a_plain_delivery_writes_an_execution_and_one_line_of_the_log(service):
    await service.save("w", [hook()])
    deliveries = await service.deliver(body={"a": 1})
    assert outcomes(deliveries) == [Outcome.STARTED]
    assert deliveries.synchronous is None
    assert await service.rows(t.idempotency_keys) == []
    (execution,) = await service.rows(t.executions)
    (kept,) = await service.rows(t.webhook_events)
    assert (kept["outcome"], kept["execution_id"], kept["payload"]) == ("started", execution["id"], None)
    assert (execution["id"], execution["trigger_type"]) == (deliveries.all[0].execution_id, "webhook")


async def test_each_workflow_filters_for_itself(service):
    await service.save("a", [hook(filter="trigger.body.a")])
    await service.save("b", [hook(filter="trigger.body.b")])
    await service.save("c", [hook(filter="trigger.body + 1")])
    deliveries = await service.deliver(body={"a": True})
    assert outcomes(deliveries) == [Outcome.STARTED, Outcome.FILTERED, Outcome.FAILED]
    kept = {row["outcome"] for row in await service.rows(t.webhook_events)}
    assert kept == {"started", "filtered", "failed"}


async def test_when_nothing_can_be_made_of_it_the_sender_shall_try_again(service):
    await service.save("c", [hook(map={"x": "{{ trigger.body + 1 }}"})])
    with pytest.raises(DeliveryFailedError):
        await service.deliver(body={"a": True})
    (kept,) = await service.rows(t.webhook_events)
    assert '"a":true' in kept["payload"]


async def test_a_key_holds_for_one_webhook_and_a_day(service):
    await service.save("a", [hook(idempotency_key="trigger.body.id")])
    await service.save("b", [hook()])
    first = await service.deliver(body={"id": 7})
    again = await service.deliver(body={"id": 7})
    assert outcomes(first) == [Outcome.STARTED, Outcome.STARTED]
    assert outcomes(again) == [Outcome.DUPLICATE, Outcome.STARTED]
    assert again.all[0].execution_id == first.all[0].execution_id
    service.clock.advance(KEPT_MS / 1000 + 1)
    assert outcomes(await service.deliver(body={"id": 7})) == [Outcome.STARTED, Outcome.STARTED]


@pytest.mark.parametrize("value", [None, ""])
async def test_no_value_is_no_key(service, value):
    await service.save("a", [hook(idempotency_key="trigger.body.id")])
    assert outcomes(await service.deliver(body={"id": value})) == [Outcome.STARTED]
    assert outcomes(await service.deliver(body={"id": value})) == [Outcome.STARTED]


async def test_the_senders_key_goes_before_the_configured_one(service):
    await service.save("a", [hook(idempotency_key="trigger.body.id")])
    assert outcomes(await service.deliver(body={"id": 1}, headers={"webhook-id": "x"})) == [Outcome.STARTED]
    assert outcomes(await service.deliver(body={"id": 2}, headers={"webhook-id": "x"})) == [Outcome.DUPLICATE]
    assert outcomes(await service.deliver(body={"id": 1})) == [Outcome.STARTED]


async def test_a_key_of_any_length_and_type_is_a_key(service):
    await service.save("a", [hook(idempotency_key="trigger.body")])
    for body in ("x" * 1000, 5, ["a"]):
        assert outcomes(await service.deliver(body=body)) == [Outcome.STARTED]
        assert outcomes(await service.deliver(body=body)) == [Outcome.DUPLICATE]


async def test_a_duplicate_among_others_spoils_nobody_elses_transaction(service):
    await service.save("a", [hook(idempotency_key="trigger.body.id")])
    sent = await asyncio.gather(*(service.deliver(body={"id": n % 10}) for n in range(60)))
    started = [one for one in sent if outcomes(one) == [Outcome.STARTED]]
    assert len(started) == 10
    assert len(await service.rows(t.executions)) == 10
    assert len({one.all[0].execution_id for one in sent}) == 10


async def test_only_the_synchronous_one_is_waited_for(service):
    await service.save("a", [hook()])
    await service.save("b", [hook(response_mode="last_node")])
    synchronous = (await service.deliver()).synchronous
    assert synchronous is not None
    assert synchronous.match.workflow_id == "b"


async def test_nothing_there(service):
    await service.save("a", [hook(methods=["PUT"])])
    with pytest.raises(NotFoundError):
        await service.deliver("out")
    with pytest.raises(MethodNotAllowedError):
        await service.deliver()
