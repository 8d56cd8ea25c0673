"""Conversations are listed page by page, of one workflow of one tenant, and forgotten by whom may."""

from __future__ import annotations

import pytest
from support.runtime import bench

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
