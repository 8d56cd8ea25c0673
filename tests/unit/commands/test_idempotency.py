"""A command that is sent twice with one key is done once."""

from __future__ import annotations

import asyncio

import pytest

from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.idempotency import KEPT_MS, IdempotencyKeyReusedError, KeyInFlightError, idempotent
from flowrun.commands.start_execution import StartExecution
from flowrun.errors import ConflictError
from flowrun.persistence import tables as t

MANUAL = {"id": "m", "type": "manual"}


def start(key="k", **more):
    return StartExecution(tenant_id="acme", workflow_id="w", idempotency_key=key, **more)


async def test_the_first_answer_is_given_again(service):
    message = CreateTenant(id="globex", idempotency_key="k")
    first = await service.send(message)
    service.clock.advance(60)
    assert await service.send(message) == first
    with pytest.raises(ConflictError):
        await service.send(CreateTenant(id="globex"))


async def test_another_content_is_refused(service):
    await service.save("w", [MANUAL])
    await service.send(start(input={"a": 1, "b": 2}))
    await service.send(start(input={"b": 2, "a": 1}, notify=True))
    with pytest.raises(IdempotencyKeyReusedError):
        await service.send(start(input={"a": 1}))


async def test_keys_of_different_commands_and_tenants_are_different(service):
    await service.save("w", [MANUAL])
    await service.send(start())
    await service.send(CreateTenant(id="globex", idempotency_key="k"))
    assert len(await service.rows(t.idempotency_keys)) == 2


async def test_a_key_is_forgotten_after_a_day(service):
    await service.save("w", [MANUAL])
    first = await service.send(start())
    service.clock.advance(KEPT_MS / 1000 + 1)
    again = await service.send(start())
    assert first["execution_id"] != again["execution_id"]
    assert len(await service.rows(t.executions)) == 2


async def test_a_refused_command_may_be_sent_again(service):
    with pytest.raises(Exception, match="no workflow"):
        await service.send(start())
    await service.save("w", [MANUAL])
    assert (await service.send(start()))["execution_id"]


async def test_a_second_one_in_flight_is_a_conflict(service):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_message, _context, _principal):
        begun.set()
        await go_on.wait()
        return {"id": 1}

    message = CreateTenant(id="globex", idempotency_key="k")
    first = asyncio.create_task(idempotent(message, OPERATOR, slow, service.context))
    await begun.wait()
    with pytest.raises(KeyInFlightError):
        await idempotent(message, OPERATOR, slow, service.context)
    go_on.set()
    assert await first == {"id": 1}


async def test_the_answer_to_a_start_is_kept_with_the_start(service):
    """Even when the process dies right after the commit, the key is known."""
    await service.save("w", [MANUAL])
    sent = await asyncio.gather(*(service.send(start(f"k{n}")) for n in range(20)))
    kept = {row["key"]: row["response"] for row in await service.rows(t.idempotency_keys)}
    assert all(one["execution_id"] in kept[f"k{n}"] for n, one in enumerate(sent))
