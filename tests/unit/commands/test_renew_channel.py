"""Credentials that a channel has got itself never overwrite those of a person."""

from __future__ import annotations

import pytest
from support.runtime import bench

from flowrun.bus import SYSTEM
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_channel import DeleteChannel
from flowrun.commands.renew_channel import RenewChannel
from flowrun.commands.set_channel import SetChannel
from flowrun.commands.set_channel_status import ChannelStatus, SetChannelStatus
from flowrun.errors import ConflictError, FlowrunError, NotFoundError

OLD, NEW = {"access_token": "old"}, {"access_token": "new"}


@pytest.fixture
async def b(tmp_path):
    async with bench(tmp_path) as running:
        await running.send(CreateTenant(id="acme"))
        await put(running, OLD)
        yield running


async def put(b, credentials):
    await b.send(SetChannel(tenant_id="acme", name="shop", type="mercado_livre", credentials=credentials))


async def renew(b, channel, before=OLD):
    message = RenewChannel(tenant_id="acme", name="shop", channel_id=channel.id, before=before, credentials=NEW)
    await b.runtime.mediator.send(message, SYSTEM)


async def stored(b):
    return await b.runtime.context.channels.get("acme", "shop")


async def test_they_take_the_place_of_those_they_were_got_with_and_leave_the_status(b):
    channel = await stored(b)
    await b.send(SetChannelStatus(tenant_id="acme", name="shop", status=ChannelStatus.DISABLED, reason="moved"))
    await renew(b, channel)
    present = await stored(b)
    assert (present.credentials, present.status, present.status_reason) == (NEW, "disabled", "moved")


async def test_what_a_person_set_meanwhile_stays(b):
    channel = await stored(b)
    await put(b, {"access_token": "by hand"})
    with pytest.raises(ConflictError, match="set anew meanwhile"):
        await renew(b, channel)
    assert (await stored(b)).credentials == {"access_token": "by hand"}


async def test_a_channel_that_was_deleted_stays_deleted_and_a_new_one_of_its_name_is_another(b):
    channel = await stored(b)
    await b.send(DeleteChannel(tenant_id="acme", name="shop"))
    with pytest.raises(NotFoundError):
        await renew(b, channel)
    await put(b, OLD)
    with pytest.raises(FlowrunError, match="set anew"):
        await renew(b, channel)
