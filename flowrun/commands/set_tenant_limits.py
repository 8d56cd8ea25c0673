"""Sets what a tenant may have running at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump
from flowrun.ports import Context, TenantLimits

AT_LIMIT = ("queue", "reject", "cancel_oldest")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTenantLimits(Command[JsonObject]):
    """Let a tenant have at most so many executions and node runs at once; None is no limit."""

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    tenant_id: str
    running_executions: int | None = None
    running_nodes: int | None = None
    at_limit: str = "queue"
    """What becomes of one execution more: `queue`, `reject` or `cancel_oldest`."""

    def check(self) -> None:
        """Refuse limits that let nothing run."""
        issues = [
            Issue(name, "must be at least 1, or null for no limit")
            for name in ("running_executions", "running_nodes")
            if (value := getattr(self, name)) is not None and value < 1
        ]
        if self.at_limit not in AT_LIMIT:
            issues.append(Issue("at_limit", f"must be one of {', '.join(AT_LIMIT)}"))
        if issues:
            raise InvalidInputError("The limits are not valid", issues)


async def handle(message: SetTenantLimits, context: Context, _principal: Principal) -> JsonObject:
    """Set them, at once; gives the limits. Raises `NotFoundError` for an unknown tenant."""
    document: JsonObject = {
        "running_executions": message.running_executions,
        "running_nodes": message.running_nodes,
        "at_limit": message.at_limit,
    }
    table = t.tenants

    def change(connection: Connection) -> None:
        statement = update(table).where(table.c.id == message.tenant_id).values(limits=dump(document))
        if connection.execute(statement).rowcount != 1:
            raise NotFoundError(f"There is no tenant {message.tenant_id}")

    await context.writer.transact(change)
    limits = TenantLimits(message.running_executions, message.running_nodes, message.at_limit)
    await context.limits.change(message.tenant_id, limits)
    return document
