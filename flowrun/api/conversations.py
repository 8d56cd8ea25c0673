"""Conversations: what agents remember of those they talk with."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.operation import PAGE, Call, Operation
from flowrun.api.replies import JsonReply, page
from flowrun.commands.delete_conversation import DeleteConversation
from flowrun.queries.get_conversation import GetConversation
from flowrun.queries.list_conversations import ListConversations

_ALL = "/api/v1/tenants/{tenant}/workflows/{workflow}/conversations"
_ONE = _ALL + "/{conversation:path}"
"""An id is whatever the workflow says, slashes included."""


async def list_conversations(call: Call) -> Response:
    """List the conversations of a workflow."""
    query = ListConversations(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def show(call: Call) -> Response:
    """Show what was said."""
    query = GetConversation(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        conversation_id=call.path("conversation"),
    )
    return JsonReply(await call.send(query))


async def delete(call: Call) -> Response:
    """Forget a conversation."""
    message = DeleteConversation(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        conversation_id=call.path("conversation"),
    )
    await call.send(message)
    return Response(status_code=204)


OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        list_conversations,
        "List the conversations that a workflow's agents remember",
        query=PAGE,
        answers={200: "`{items, next}` with `{id, turns, created_at, updated_at}`, and a `Link` header."},
    ),
    Operation("GET", _ONE, show, "Show what was said in a conversation, oldest turn first"),
    Operation("DELETE", _ONE, delete, "Forget a conversation", answers={204: "It is gone."}),
)
