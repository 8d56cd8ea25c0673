"""Conversations are listed page by page, of one workflow of one tenant, whatever their ids are."""

from __future__ import annotations

import httpx2
import pytest
from support.runtime import bench

from flowrun.api.app import create_app
from flowrun.bus import Principal, Scope
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_conversation import DeleteConversation
from flowrun.errors import ForbiddenError, NotFoundError
from flowrun.persistence.conversations import ConversationStore
from flowrun.queries.get_conversation import GetConversation
from flowrun.queries.list_conversations import ListConversations

pytestmark = pytest.mark.anyio

TURN = {"key": "k", "user": "hello", "assistant": "hi", "output": {"text": "hi"}}


async def remember(b, *ids, tenant="acme", workflow="w"):
    context = b.runtime.context
    store = ConversationStore(context.reader, context.writer, context.clock)
    for one in ids:
        await store.change(tenant, workflow, one, lambda turns: [*turns, TURN])


async def test_pages_have_the_conversations_of_one_workflow(tmp_path):
    async with bench(tmp_path) as b:
        await b.send(CreateTenant(id="acme"))
        await remember(b, *[f"c{number}" for number in range(5)])
        await remember(b, "other", workflow="other")
        found, cursor = [], None
        while True:
            page = await b.send(ListConversations(tenant_id="acme", workflow_id="w", limit=2, cursor=cursor))
            found += [one["id"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == ["c0", "c1", "c2", "c3", "c4"]
        assert (await b.send(ListConversations(tenant_id="acme", workflow_id="nothing")))["items"] == []
        with pytest.raises(NotFoundError):
            await b.send(ListConversations(tenant_id="nobody", workflow_id="w"))


async def test_an_id_may_be_anything(tmp_path):
    ids = ["a/b", "customer 7", "ünï", "a%2Fb", "?x=1#y", "+49 151"]
    async with bench(tmp_path) as b:
        await remember(b, *ids)
        runtime = b.runtime
        app = create_app(runtime.mediator, runtime.context, runtime.settings)

        async def local(scope, receive, send):
            await app({**scope, "state": {"flowrun_local": True}}, receive, send)

        transport = httpx2.ASGITransport(local)
        async with httpx2.AsyncClient(transport=transport, base_url="http://flowrun") as client:
            base = "/api/v1/tenants/acme/workflows/w/conversations"
            listed = (await client.get(base)).json()["items"]
            assert {one["id"] for one in listed} == set(ids)
            for one in ids:
                path = f"{base}/{quoted(one)}"
                shown = (await client.get(path)).json()
                assert (shown["id"], shown["turns"]) == (one, [{"user": "hello", "assistant": "hi"}])
                assert (await client.delete(path)).status_code == 204
                assert (await client.get(path)).status_code == 404


def quoted(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


async def test_another_tenant_sees_and_forgets_nothing_and_a_weak_key_forgets_nothing(tmp_path):
    async with bench(tmp_path) as b:
        await remember(b, "c")
        ids = {"tenant_id": "other", "workflow_id": "w", "conversation_id": "c"}
        for message in (GetConversation(**ids), DeleteConversation(**ids)):
            with pytest.raises(NotFoundError):
                await b.send(message)
        weak = Principal("key", "acme", frozenset({Scope.READ, Scope.RUN, Scope.WRITE}))
        with pytest.raises(ForbiddenError):
            await b.runtime.mediator.send(DeleteConversation(**{**ids, "tenant_id": "acme"}), weak)
        shown = await b.send(GetConversation(**{**ids, "tenant_id": "acme"}))
        assert len(shown["turns"]) == 1
