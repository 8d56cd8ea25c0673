"""Messages through channels in the real runtime: stored credentials, retries over days, restarts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.channel_bench import LOOPBACK
from support.channel_stand_ins import SIGNING, TOKEN, CallbackReceiver, MercadoLivreProvider, WhatsappProvider
from support.manual_clock import ManualClock
from support.runtime import PATIENCE, bench, rows

from flowrun.channels.callback import SCHEDULE
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.set_channel import SetChannel

pytestmark = pytest.mark.anyio

HOOK = "the-shop"


def callback(url, **credentials):
    return {"url": f"{url}/hook", "secrets": [SIGNING], **credentials}


def workflow(channel, **node):
    params = {"channel": channel, "to": "{{ input.to }}", "message": "{{ input.message }}"}
    return {
        "id": "w",
        "name": "w",
        "status": "published",
        "nodes": [{"id": "t", "type": "manual"}, {"id": "s", "type": "send", "params": params, **node}],
        "edges": [{"source": "t", "target": "s"}],
    }


@asynccontextmanager
async def running(tmp_path, **settings):
    async with bench(tmp_path, http_allow=LOOPBACK, **settings) as b:
        yield b


async def prepare(b, name, kind, credentials, **node):
    await b.send(CreateTenant(id="acme"))
    await b.send(SetChannel(tenant_id="acme", name=name, type=kind, credentials=credentials))
    await b.send(SaveWorkflow(tenant_id="acme", document=workflow(name, **node)))


async def until(look):
    """What it sees, as soon as it sees something."""
    async with asyncio.timeout(PATIENCE):
        while not (seen := look()):  # noqa: ASYNC110 - neither a file nor another thread's server tells us
            await asyncio.sleep(0.005)
    return seen


async def waits(tmp_path):
    """When the next attempt is due, in ms; returns as soon as one is planned."""
    found = await until(lambda: rows(tmp_path, "SELECT due_at FROM timers WHERE kind = 'retry'"))
    return found[0]["due_at"]


async def test_a_message_goes_out_and_its_answer_is_the_output(tmp_path):
    with WhatsappProvider() as provider:
        async with running(tmp_path) as b:
            given = {"phone_number_id": "106540352242922", "access_token": TOKEN, "base_url": provider.url}
            await prepare(b, "line", "whatsapp", given)
            ending = await b.end(await b.start({"to": 5511999998888, "message": "olá"}))
        assert (ending.status, ending.output["message_id"]) == ("completed", "wamid.1")
        assert provider.wrong == []
    for table in ("execution_events", "node_executions", "channels"):
        assert TOKEN not in str(rows(tmp_path, f"SELECT * FROM {table}"))  # noqa: S608 - names of ours


async def test_a_callback_is_attempted_ten_times_over_days_and_restarts(tmp_path):
    clock = ManualClock()
    with CallbackReceiver() as receiver:
        receiver.plan(*["transient"] * len(SCHEDULE))
        async with running(tmp_path, clock=clock) as b:
            await prepare(b, HOOK, "callback", callback(receiver.url))
            execution = await b.start({"to": None, "message": {"a": 1}})
            due = await waits(tmp_path)
        for number, wait in enumerate(SCHEDULE, 1):
            assert due == clock.now() + round(wait * 1100), number
            async with running(tmp_path, clock=clock) as b:
                clock.advance(wait * 1.1 - 0.001)
                assert len(receiver.calls) == number
                clock.advance(0.001)
                if number < len(SCHEDULE):
                    await until(lambda before=number: len(receiver.calls) > before)
                    due = await waits(tmp_path)
                else:
                    ending = await b.end(execution)
        assert ending.status == "completed"
        assert len(receiver.calls) == 10
        assert len(set(receiver.ids)) == 1
        assert receiver.wrong == []


async def test_a_policy_that_the_author_wrote_counts_more_than_the_schedule(tmp_path):
    clock = ManualClock()
    with CallbackReceiver() as receiver:
        receiver.plan("transient", "transient")
        async with running(tmp_path, clock=clock) as b:
            retry = {"max_attempts": 2, "initial_interval": "3s", "jitter": False}
            await prepare(b, HOOK, "callback", callback(receiver.url), retry=retry)
            execution = await b.start({"to": None, "message": {"a": 1}})
            assert await waits(tmp_path) == clock.now() + 3000
            clock.advance(3)
            ending = await b.end(execution)
        assert (ending.status, ending.error["type"], ending.error["attempt"]) == ("failed", "callback_status", 2)


async def test_gone_disables_the_channel_until_it_is_set_anew(tmp_path):
    with CallbackReceiver() as receiver:
        receiver.plan("permanent")
        async with running(tmp_path) as b:
            await prepare(b, HOOK, "callback", callback(receiver.url))
            message = {"to": None, "message": {"a": 1}}
            endings = [await b.end(await b.start(message)) for _ in range(2)]
            assert [ending.error["type"] for ending in endings] == ["endpoint_gone", "channel_disabled"]
            assert "wants no more callbacks" in endings[1].error["message"]
            assert len(receiver.calls) == 1
            await b.send(SetChannel(tenant_id="acme", name=HOOK, type="callback", credentials=callback(receiver.url)))
            assert (await b.end(await b.start(message))).status == "completed"


async def test_another_tenants_channel_is_none(tmp_path):
    with CallbackReceiver() as receiver:
        async with running(tmp_path) as b:
            await prepare(b, HOOK, "callback", callback(receiver.url))
            await b.send(CreateTenant(id="other"))
            await b.send(SaveWorkflow(tenant_id="other", document=workflow(HOOK)))
            ending = await b.end(await b.start({"to": None, "message": "x"}, tenant="other"))
        assert ending.error["type"] == "unknown_channel"
        assert receiver.calls == []


async def test_a_renewed_token_is_kept_over_a_restart(tmp_path):
    given = {"client_id": "99", "client_secret": "client-secret-1", "refresh_token": "TG-first-refresh-token"}
    message = {"to": "11751825075", "message": "Sim!"}
    with MercadoLivreProvider() as provider:
        async with running(tmp_path) as b:
            credentials = {"access_token": "APP_USR-expired", "base_url": provider.url, **given}
            await prepare(b, "shop", "mercado_livre", credentials)
            provider.token = "APP_USR-unknown-yet"
            assert (await b.end(await b.start(message))).status == "completed"
        async with running(tmp_path) as b:
            assert (await b.end(await b.start(message))).status == "completed"
        assert (provider.renewals, provider.wrong) == (1, [])
    assert "TG-" not in str(rows(tmp_path, "SELECT * FROM execution_events"))
