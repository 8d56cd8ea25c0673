"""Waits for the next request to a path and shows it, without publishing or starting anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context

LONGEST_WAIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenWebhook(Command[JsonObject]):
    """Show the next request to a path such as `orders/{id}`; `{delivery}`, None after `timeout` seconds.

    No methods are any. Nobody's signature is checked; what else listens on the path gets the request all the same.
    """

    scope: ClassVar[Scope] = Scope.WRITE
    replayable: ClassVar[bool] = False
    tenant_id: str
    path: str
    methods: tuple[str, ...] = ()
    timeout: float = 30.0

    def check(self) -> None:
        """Refuse a path that no request has, and a wait that is too long."""
        issues = []
        if not self.path.strip("/") or len(self.path) > 500 or "//" in self.path.strip("/"):
            issues.append(Issue("path", "must be a path such as 'orders' or 'orders/{id}'"))
        if not 0 < self.timeout <= LONGEST_WAIT:
            issues.append(Issue("timeout", f"must be more than 0 and at most {LONGEST_WAIT} seconds"))
        if issues:
            raise InvalidInputError("The listener is not valid", issues)


async def handle(message: ListenWebhook, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant, `ConflictError` when too many listen already."""
    table = t.tenants
    if await context.reader.first(select(table.c.id).where(table.c.id == message.tenant_id)) is None:
        raise NotFoundError(f"There is no tenant {message.tenant_id}")
    methods = frozenset(method.upper() for method in message.methods)
    with context.listeners.listening(message.tenant_id, message.path, methods) as shown:
        try:
            async with asyncio.timeout(message.timeout):
                return {"delivery": await shown}
        except TimeoutError:
            return {"delivery": None}
