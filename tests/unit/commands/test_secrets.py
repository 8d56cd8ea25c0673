"""Secrets by command: stored encrypted, read anew after a change, rotated without losing a newer value."""

from __future__ import annotations

import asyncio
import base64

import pytest
from sqlalchemy import update

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_secret import DeleteSecret
from flowrun.commands.rotate_secrets import RotateSecrets
from flowrun.commands.set_secret import SetSecret
from flowrun.config import Settings
from flowrun.errors import InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.encryption import UndecryptableError
from flowrun.queries.list_secrets import ListSecrets


def key(number):
    return base64.b64encode(bytes([number]) * 32).decode()


async def put(service, name, value, tenant="acme"):
    return await service.send(SetSecret(tenant_id=tenant, name=name, value=value))


async def test_a_secret_is_stored_encrypted_and_read_back(service):
    first = await put(service, "A", "the value")
    assert (first["name"], first["created"]) == ("A", True)
    (row,) = await service.rows(t.secrets)
    assert b"the value" not in row["ciphertext"]
    assert await service.context.secrets.value("acme", "A") == "the value"
    assert (await put(service, "A", "another"))["created"] is False
    assert await service.context.secrets.value("acme", "A") == "another"
    await service.send(DeleteSecret(tenant_id="acme", name="A"))
    with pytest.raises(NotFoundError):
        await service.context.secrets.value("acme", "A")
    with pytest.raises(NotFoundError):
        await service.send(DeleteSecret(tenant_id="acme", name="A"))


async def test_the_message_doesn_t_show_the_value():
    assert "hidden" not in repr(SetSecret(tenant_id="acme", name="A", value="hidden"))


async def test_a_value_read_before_a_change_is_not_kept_after_it(service):
    await put(service, "A", "old value")
    store = service.context.secrets
    store.forget("acme", "A")
    original = store._reader.first

    async def slowly(*args):
        row = await original(*args)
        await asyncio.sleep(0.05)
        return row

    store._reader = type("Slow", (), {"first": staticmethod(slowly)})()
    reading = asyncio.create_task(store.value("acme", "A"))
    await asyncio.sleep(0.02)
    await put(service, "A", "new value")
    assert await reading == "old value"
    assert await store.value("acme", "A") == "new value"


async def test_a_row_moved_to_another_name_or_tenant_opens_nothing(service):
    await service.send(CreateTenant(id="other"))
    await put(service, "A", "the value")

    def steal(connection):
        connection.execute(update(t.secrets).values(tenant_id="other"))

    await service.context.writer.transact(steal)
    with pytest.raises(UndecryptableError, match="another tenant or name"):
        await service.context.secrets.value("other", "A")


@pytest.mark.parametrize("value", ["abc", "   abc  ", "x" * 65_537, "nul\x00nul", "half \ud800 a character"])
async def test_what_is_no_secret(service, value):
    with pytest.raises(InvalidInputError):
        await put(service, "A", value)


async def test_an_unknown_tenant(service):
    with pytest.raises(NotFoundError):
        await put(service, "A", "value", tenant="nobody")
    with pytest.raises(NotFoundError):
        await service.send(ListSecrets(tenant_id="nobody"))


async def test_lists_are_paged_and_hold_no_values(service):
    for name in ("B", "A", "C"):
        await put(service, name, "the value")
    page = await service.send(ListSecrets(tenant_id="acme", limit=2))
    rest = await service.send(ListSecrets(tenant_id="acme", limit=2, cursor=page["next"]))
    assert [one["name"] for one in (*page["items"], *rest["items"])] == ["A", "B", "C"]
    assert "the value" not in repr((page, rest))


async def test_rotation_takes_every_secret_and_spares_newer_ones(tmp_path):
    async with running(Settings(data_dir=tmp_path, encryption_key=key(1))) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        for number in range(450):
            message = SetSecret(tenant_id="acme", name=f"S{number}", value=f"value {number}")
            await runtime.mediator.send(message, OPERATOR)
    async with running(Settings(data_dir=tmp_path, encryption_key=f"{key(2)},{key(1)}")) as runtime:
        await runtime.mediator.send(SetSecret(tenant_id="acme", name="S7", value="newer"), OPERATOR)
        answer = await runtime.mediator.send(RotateSecrets(), OPERATOR)
        assert (answer["rotated"], answer["unreadable"]) == (449, [])
    async with running(Settings(data_dir=tmp_path, encryption_key=key(2))) as runtime:
        for number in (0, 7, 449):
            wanted = "newer" if number == 7 else f"value {number}"
            assert await runtime.context.secrets.value("acme", f"S{number}") == wanted
    async with running(Settings(data_dir=tmp_path, encryption_key=key(3))) as runtime:
        answer = await runtime.mediator.send(RotateSecrets(), OPERATOR)
        assert (answer["rotated"], len(answer["unreadable"])) == (0, 450)
