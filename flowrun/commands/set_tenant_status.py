"""Disables a tenant, or enables it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTenantStatus(Command[JsonObject]):
    """Let a tenant be disabled or active; `{id, status, changed}`.

    For a disabled one nothing new starts: its webhooks are not found, starts and events are refused, schedules
    stand still; what those missed is up to their `misfire` when it is active again. What runs goes on to its end, and
    everything can be read and changed.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    tenant_id: str
    disabled: bool


async def handle(message: SetTenantStatus, context: Context, _principal: Principal) -> JsonObject:
    """Change it, at once; raises `NotFoundError`."""
    status = "disabled" if message.disabled else "active"

    def change(connection: Connection) -> bool:
        table = t.tenants
        before = connection.scalar(select(table.c.status).where(table.c.id == message.tenant_id))
        if before is None:
            raise NotFoundError(f"There is no tenant {message.tenant_id}")
        connection.execute(update(table).where(table.c.id == message.tenant_id).values(status=status))
        return bool(before != status)

    changed = await context.writer.transact(change)
    context.tenants.change(message.tenant_id, disabled=message.disabled)
    context.schedules.changed()
    return {"id": message.tenant_id, "status": status, "changed": changed}
