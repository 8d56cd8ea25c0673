"""Commands that change a definition, or delete an execution, tell the feed of it, once they are done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.bus import Handler, Message, Principal
from flowrun.commands.create_key import CreateKey
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_channel import DeleteChannel
from flowrun.commands.delete_execution import DeleteExecution
from flowrun.commands.delete_secret import DeleteSecret
from flowrun.commands.delete_workflow import DeleteWorkflow
from flowrun.commands.revoke_key import RevokeKey
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.schedule_commands import PauseSchedule, ResumeSchedule
from flowrun.commands.set_channel import SetChannel
from flowrun.commands.set_channel_status import SetChannelStatus
from flowrun.commands.set_secret import SetSecret
from flowrun.commands.set_tenant_limits import SetTenantLimits
from flowrun.commands.set_tenant_status import SetTenantStatus
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.ports import Context

_KINDS: Mapping[type[Message[Any]], tuple[str, str]] = {
    SaveWorkflow: ("workflow", "workflow_id"),
    SetWorkflowStatus: ("workflow", "workflow_id"),
    DeleteWorkflow: ("workflow", "workflow_id"),
    DeleteExecution: ("execution", "execution_id"),
    PauseSchedule: ("schedule", "schedule_id"),
    ResumeSchedule: ("schedule", "schedule_id"),
    SetChannel: ("channel", "name"),
    SetChannelStatus: ("channel", "name"),
    DeleteChannel: ("channel", "name"),
    SetSecret: ("secret", "name"),
    DeleteSecret: ("secret", "name"),
    CreateKey: ("key", "key_id"),
    RevokeKey: ("key", "key_id"),
    CreateTenant: ("tenant", "id"),
    SetTenantLimits: ("tenant", "tenant_id"),
    SetTenantStatus: ("tenant", "tenant_id"),
}
"""By command: the kind of what it changes, and the field that names it; without one, the answer's `id` does."""


def announcing(catalogue: Mapping[type[Message[Any]], Handler]) -> dict[type[Message[Any]], Handler]:
    """The same commands; those that change a definition are announced after their handlers have committed."""
    return {kind: _announced(kind, handler) if kind in _KINDS else handler for kind, handler in catalogue.items()}


def _announced(command: type[Message[Any]], handler: Handler) -> Handler:
    kind, field = _KINDS[command]

    async def handle(message: Any, context: Context, principal: Principal) -> Any:  # noqa: ANN401
        answer = await handler(message, context, principal)
        name = getattr(message, field, None) or answer["id"]
        tenant_id = name if kind == "tenant" else message.tenant_id
        context.feed.changed(kind, tenant_id, name)
        return answer

    return handle
