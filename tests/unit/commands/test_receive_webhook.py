"""What becomes of a delivery, and what is kept of it."""

from __future__ import annotations

import asyncio

import pytest

from flowrun.commands.execution_commands import CancelExecution
from flowrun.commands.idempotency import KEPT_MS
from flowrun.commands.receive_webhook import DeliveryFailedError, MethodNotAllowedError, Outcome
from flowrun.commands.redeliver_webhook import RedeliverWebhook
from flowrun.errors import NotFoundError, TooManyRequestsError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load


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


def whatsapp(*ids, states=()):
    value = {
        "metadata": {"phone_number_id": "1"},
        "statuses": [{"id": one, "status": "read"} for one in states],
        "messages": [{"id": one, "from": f"of-{one}"} for one in ids],
    }
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}


async def starts(service):
    first = t.execution_events.c.seq == 1
    rows = await service.context.reader.all(t.execution_events.select().where(first).order_by("execution_id"))
    return [load(row["data"])["trigger"]["event"]["customer_id"] for row in rows]


async def test_each_message_of_a_delivery_starts_its_own_execution_once_however_they_are_grouped(service):
    await service.save("w", [hook(filter="trigger.event.event_type == 'message'")])
    first = await service.deliver(body=whatsapp("a", "b", states=["x"]))
    assert outcomes(first) == [Outcome.STARTED, Outcome.STARTED, Outcome.FILTERED]
    assert await starts(service) == ["of-a", "of-b"]
    alone = await service.deliver(body=whatsapp("b"))
    assert outcomes(alone) == [Outcome.DUPLICATE]
    assert alone.all[0].execution_id == first.all[1].execution_id
    again = await service.deliver(body=whatsapp("c", "a"))
    assert outcomes(again) == [Outcome.STARTED, Outcome.DUPLICATE]
    assert await starts(service) == ["of-a", "of-b", "of-c"]
    twice = await service.deliver(body=whatsapp("d", "d"))
    assert outcomes(twice) == [Outcome.STARTED, Outcome.DUPLICATE]


async def test_each_message_of_a_delivery_has_its_line_of_the_log_and_is_delivered_again_by_itself(service):
    await service.save("w", [hook(filter="trigger.event.event_type == 'message'")])
    await service.deliver(body=whatsapp("a", "b", states=["x"]))
    log = sorted(await service.rows(t.webhook_events), key=lambda row: row["id"])
    assert [(row["event_type"], row["dedupe_key"], row["outcome"]) for row in log] == [
        ("message", "a", "started"),
        ("message", "b", "started"),
        ("status", None, "filtered"),
    ]
    where = {"tenant_id": "acme", "webhook_id": log[1]["webhook_id"], "event_id": log[1]["id"]}
    assert (await service.send(RedeliverWebhook(**where)))["outcome"] == "started"
    assert await starts(service) == ["of-a", "of-b", "of-b"]


async def test_the_caller_waits_for_the_first_message_that_starts(service):
    await service.save("w", [hook(response_mode="last_node", filter="trigger.event.customer_id != 'of-a'")])
    deliveries = await service.deliver(body=whatsapp("a", "b", "c"))
    assert outcomes(deliveries) == [Outcome.FILTERED, Outcome.STARTED, Outcome.STARTED]
    assert deliveries.synchronous == deliveries.all[1]


async def test_what_a_limit_keeps_out_of_a_delivery_starts_when_it_is_sent_again(service):
    nodes = [hook(), {"id": "wait", "type": "wait_for_signal", "params": {"name": "go"}}]
    await service.save("w", nodes, [("hook", "wait")], concurrency={"limit": 1, "at_limit": "reject"})
    with pytest.raises(TooManyRequestsError):
        await service.deliver(body=whatsapp("a", "b"))
    assert await starts(service) == ["of-a"]
    (running,) = await service.rows(t.executions)
    await service.send(CancelExecution(tenant_id="acme", execution_id=running["id"]))
    again = await service.deliver(body=whatsapp("a", "b"))
    assert outcomes(again) == [Outcome.DUPLICATE, Outcome.STARTED]
    assert await starts(service) == ["of-a", "of-b"]


async def test_a_message_that_no_expression_can_take_keeps_nobody_out(service):
    await service.save("w", [hook(filter="trigger.event.customer_id != 'of-a' or trigger.event.customer_id + 1")])
    deliveries = await service.deliver(body=whatsapp("a", "b"))
    assert outcomes(deliveries) == [Outcome.FAILED, Outcome.STARTED]
    assert await starts(service) == ["of-b"]


async def test_nothing_there(service):
    await service.save("a", [hook(methods=["PUT"])])
    with pytest.raises(NotFoundError):
        await service.deliver("out")
    with pytest.raises(MethodNotAllowedError):
        await service.deliver()
