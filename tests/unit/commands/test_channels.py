"""Channels by command: stored encrypted, never shown, believed or refused, rotated with the secrets."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import update

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR, Principal, Scope
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_channel import DeleteChannel
from flowrun.commands.delete_workflow import DeleteWorkflow
from flowrun.commands.rotate_secrets import RotateSecrets
from flowrun.commands.set_channel import SetChannel
from flowrun.commands.set_channel_status import ChannelStatus, SetChannelStatus
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.config import Settings
from flowrun.domain.definition import WorkflowStatus
from flowrun.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.encryption import UndecryptableError
from flowrun.queries.get_channel import GetChannel
from flowrun.queries.list_channel_types import ListChannelTypes
from flowrun.queries.list_channels import ListChannels

WHATSAPP = {"phone_number_id": "1065", "access_token": "EAAB-canary", "app_secret": "the-app-secret"}


def key(number):
    return base64.b64encode(bytes([number]) * 32).decode()


async def put(service, name="line", credentials=None, type_="whatsapp", tenant="acme"):
    given = WHATSAPP if credentials is None else credentials
    return await service.send(SetChannel(tenant_id=tenant, name=name, type=type_, credentials=given))


async def get(service, name="line"):
    return await service.send(GetChannel(tenant_id="acme", name=name))


async def test_a_channel_is_stored_encrypted_and_shown_without_its_credentials(service):
    made = await put(service)
    assert (made["name"], made["type"], made["status"], made["created"]) == ("line", "whatsapp", "active", True)
    (row,) = await service.rows(t.channels)
    assert b"canary" not in row["credentials"]
    shown = await get(service)
    assert shown["credentials"] == ["access_token", "app_secret", "phone_number_id"]
    assert (shown["provider"], shown["webhook_url"]) == ("whatsapp", None)
    assert (await service.context.channels.get("acme", "line")).credentials == WHATSAPP
    assert (await put(service, credentials={**WHATSAPP, "access_token": "another"}))["created"] is False
    assert (await service.context.channels.get("acme", "line")).credentials["access_token"] == "another"
    await service.send(DeleteChannel(tenant_id="acme", name="line"))
    for message in (DeleteChannel(tenant_id="acme", name="line"), GetChannel(tenant_id="acme", name="line")):
        with pytest.raises(NotFoundError):
            await service.send(message)
    with pytest.raises(NotFoundError, match="flowrun channels set line"):
        await service.context.channels.get("acme", "line")


async def test_what_is_stored_is_what_was_given_under_one_name(service):
    given = {"phoneNumberId": "1065", "accessToken": " EAAB-canary ", "appSecret": None}
    await put(service, credentials=given)
    stored = (await service.context.channels.get("acme", "line")).credentials
    assert stored == {"phone_number_id": "1065", "access_token": "EAAB-canary"}


async def test_no_message_and_no_row_shows_the_credentials(service):
    message = SetChannel(tenant_id="acme", name="line", type="whatsapp", credentials=WHATSAPP)
    assert "canary" not in repr(message)
    await service.send(message)
    assert "canary" not in repr(await service.context.channels.get("acme", "line"))


@pytest.mark.parametrize(
    ("name", "type_", "credentials", "paths"),
    [
        ("a b", "whatsap", {}, {"name", "type"}),
        ("-a", "whatsapp", {}, {"name", "credentials.phone_number_id", "credentials.access_token"}),
        ("a", "whatsapp", {**WHATSAPP, "appsecret": "x"}, {"credentials.appsecret"}),
        ("a", "whatsapp", {**WHATSAPP, "access_token": 5}, {"credentials.access_token"}),
        ("a", "whatsapp", {**WHATSAPP, "x": "y" * 70_000}, {"credentials"}),
        ("a" * 65, "whatsapp", WHATSAPP, {"name"}),
    ],
)
async def test_everything_that_is_wrong_is_said_at_once(service, name, type_, credentials, paths):
    with pytest.raises(InvalidInputError) as raised:
        await put(service, name, credentials, type_)
    assert {issue.path for issue in raised.value.issues} == paths
    assert "canary" not in str([*raised.value.issues, raised.value])
    assert await service.rows(t.channels) == []


async def test_a_misspelt_type_is_guessed(service):
    with pytest.raises(InvalidInputError) as raised:
        await put(service, type_="whatsap")
    assert raised.value.issues[0].suggestion == "whatsapp"


async def test_a_channel_keeps_its_type(service):
    await put(service)
    with pytest.raises(ConflictError, match="of the type whatsapp"):
        await put(service, type_="slack", credentials={"bot_token": "xoxb-1"})


async def test_a_disabled_channel_says_why_and_new_credentials_enable_it(service):
    await put(service)
    disable = SetChannelStatus(tenant_id="acme", name="line", status=ChannelStatus.DISABLED, reason="the token expired")
    assert [(await service.send(disable))["changed"] for _ in range(2)] == [True, False]
    assert (await service.context.channels.get("acme", "line")).status == "disabled"
    assert (await get(service))["status_reason"] == "the token expired"
    await put(service)
    shown = await get(service)
    assert (shown["status"], shown["status_reason"]) == ("active", None)
    with pytest.raises(NotFoundError):
        await service.send(SetChannelStatus(tenant_id="acme", name="none", status=ChannelStatus.ACTIVE))
    await service.send(SetChannelStatus(tenant_id="acme", name="line", status=ChannelStatus.DISABLED, reason="x" * 501))
    assert (await get(service))["status_reason"] == "x" * 500


async def test_only_an_admin_sets_channels(service):
    reader = Principal("k", "acme", frozenset({Scope.READ, Scope.RUN, Scope.WRITE}))
    message = SetChannel(tenant_id="acme", name="line", type="whatsapp", credentials=WHATSAPP)
    with pytest.raises(ForbiddenError):
        await service.send(message, reader)
    await put(service)
    assert (await service.send(ListChannels(tenant_id="acme"), reader))["items"][0]["name"] == "line"


async def test_lists_are_paged(service):
    for name in ("b", "a", "c"):
        await put(service, name)
    page = await service.send(ListChannels(tenant_id="acme", limit=2))
    rest = await service.send(ListChannels(tenant_id="acme", limit=2, cursor=page["next"]))
    assert [one["name"] for one in (*page["items"], *rest["items"])] == ["a", "b", "c"]
    assert "canary" not in repr((page, rest))


async def test_an_unknown_tenant(service):
    for message in (ListChannels(tenant_id="nobody"), ListChannelTypes(tenant_id="nobody")):
        with pytest.raises(NotFoundError):
            await service.send(message)
    with pytest.raises(NotFoundError):
        await put(service, tenant="nobody")


async def test_every_type_says_what_it_needs(service):
    items = (await service.send(ListChannelTypes(tenant_id="acme")))["items"]
    assert {"whatsapp", "instagram", "mercado_livre", "telegram", "slack"} <= {one["type"] for one in items}
    for one in items:
        assert one["summary"]
        assert all(field["description"] for field in one["credentials"])


async def test_a_row_moved_to_another_name_or_tenant_opens_nothing(service):
    await service.send(CreateTenant(id="other"))
    await put(service)

    def steal(connection):
        connection.execute(update(t.channels).values(tenant_id="other"))

    await service.context.writer.transact(steal)
    service.context.channels.forget("other", "line")
    with pytest.raises(UndecryptableError, match="another tenant or name"):
        await service.context.channels.get("other", "line")


# --- where messages come in


def webhook(channel="line", path="channels/line", **params):
    auth = {"type": "channel", "channel": channel}
    return {"id": "in", "type": "webhook", "params": {"path": path, "auth": auth, **params}}


async def test_a_channel_knows_where_its_messages_come_in(service):
    await service.save("w", [webhook()])
    await put(service)
    assert (await get(service))["webhook_url"] == "/webhooks/acme/channels/line"
    await put(service, "other")
    await service.save("w", [webhook("other")])
    assert (await get(service))["webhook_url"] is None
    assert (await get(service, "other"))["webhook_url"] == "/webhooks/acme/channels/line"
    archive, publish = (
        SetWorkflowStatus(tenant_id="acme", workflow_id="w", status=status)
        for status in (WorkflowStatus.ARCHIVED, WorkflowStatus.PUBLISHED)
    )
    await service.send(archive)
    assert (await get(service, "other"))["webhook_url"] is None
    await service.send(publish)
    await service.save("second", [webhook("other", "elsewhere")])
    assert (await get(service, "other"))["webhook_url"] == "/webhooks/acme/channels/line"
    await service.send(DeleteWorkflow(tenant_id="acme", workflow_id="w"))
    assert (await get(service, "other"))["webhook_url"] == "/webhooks/acme/elsewhere"


async def test_saving_hints_at_channels_that_are_missing_or_disabled(service):
    send = {"id": "out", "type": "send", "params": {"channel": "reply", "to": "1", "message": "hello"}}
    computed = {"id": "any", "type": "send", "params": {"channel": "{{ input.c }}", "to": "1", "message": "hello"}}
    nodes, edges = [webhook(), send, computed], [("in", "out"), ("in", "any")]
    twice = [*nodes, {**send, "id": "again"}]
    hints = (await service.save("w", twice, [*edges, ("out", "again")], dry_run=True))["hints"]
    assert [hint["path"] for hint in hints] == ["nodes[0].params.auth.channel", "nodes[1].params.channel"]
    assert "flowrun channels set reply" in hints[1]["message"]
    await put(service)
    await put(service, "reply")
    assert (await service.save("w", nodes, edges))["hints"] == []
    await service.send(SetChannelStatus(tenant_id="acme", name="reply", status=ChannelStatus.DISABLED))
    assert [hint["path"] for hint in (await service.save("w", nodes, edges))["hints"]] == ["nodes[1].params.channel"]


# --- keys


async def test_rotation_takes_channels_along_and_names_unreadable_ones(tmp_path):
    async with running(Settings(data_dir=tmp_path, encryption_key=key(1))) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        for name in ("a", "b"):
            message = SetChannel(tenant_id="acme", name=name, type="whatsapp", credentials=WHATSAPP)
            await runtime.mediator.send(message, OPERATOR)
    async with running(Settings(data_dir=tmp_path, encryption_key=f"{key(2)},{key(1)}")) as runtime:
        answer = await runtime.mediator.send(RotateSecrets(), OPERATOR)
        assert (answer["rotated"], answer["rotated_channels"], answer["unreadable"]) == (0, 2, [])
    async with running(Settings(data_dir=tmp_path, encryption_key=key(2))) as runtime:
        assert (await runtime.context.channels.get("acme", "a")).credentials == WHATSAPP
    async with running(Settings(data_dir=tmp_path, encryption_key=key(3))) as runtime:
        answer = await runtime.mediator.send(RotateSecrets(), OPERATOR)
        assert answer["unreadable"] == ["acme/channels/a", "acme/channels/b"]
        shown = await runtime.mediator.send(GetChannel(tenant_id="acme", name="a"), OPERATOR)
        assert shown["credentials"] is None


async def test_a_start_with_the_wrong_key_says_so(tmp_path, caplog):
    async with running(Settings(data_dir=tmp_path, encryption_key=key(1))) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        message = SetChannel(tenant_id="acme", name="a", type="whatsapp", credentials=WHATSAPP)
        await runtime.mediator.send(message, OPERATOR)
    async with running(Settings(data_dir=tmp_path, encryption_key=key(2))):
        assert "1 channels cannot be decrypted" in caplog.text
