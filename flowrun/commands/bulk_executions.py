"""One command for many executions, chosen by id or by filter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import anyio
from sqlalchemy import select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands import execution_commands
from flowrun.commands.execution_commands import (
    CancelExecution,
    ExecutionCommand,
    PauseExecution,
    ResumeExecution,
    RetryExecution,
    TerminateExecution,
    check_reason,
)
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import FlowrunError, InvalidInputError, Issue
from flowrun.persistence import tables as t
from flowrun.ports import Context

MOST = 1_000
"""How many executions one command reaches."""
_AT_ONCE = 50
"""Enough for the writer to commit them in groups."""


class BulkAction(StrEnum):
    """What is asked of each execution."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    TERMINATE = "terminate"
    RETRY = "retry"


_COMMANDS: dict[BulkAction, type[ExecutionCommand]] = {
    BulkAction.PAUSE: PauseExecution,
    BulkAction.RESUME: ResumeExecution,
    BulkAction.CANCEL: CancelExecution,
    BulkAction.TERMINATE: TerminateExecution,
    BulkAction.RETRY: RetryExecution,
}
_WITH_REASON = frozenset({BulkAction.PAUSE, BulkAction.CANCEL, BulkAction.TERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkExecutions(Command[JsonObject]):
    """Ask the same of up to 1,000 executions: `{matched, done, failed, more, results: [{execution_id, …}]}`.

    Everything given has to hold; `since` and `until` are ms since the epoch. The oldest come first.
    """

    scope: ClassVar[Scope] = Scope.RUN
    computed_fields: ClassVar[frozenset[str]] = frozenset({"since", "until"})
    tenant_id: str
    action: BulkAction
    ids: tuple[str, ...] = ()
    status: tuple[ExecutionStatus, ...] = ()
    workflow_id: str | None = None
    since: int | None = None
    until: int | None = None
    times_as_sent: tuple[JsonValue, JsonValue] = (None, None)
    """What `since` and `until` were computed from: `24h` is another time when the request is repeated."""
    reason: str | None = None
    limit: int = MOST

    def check(self) -> None:
        """Refuse a filter that holds for everything, too many ids, and a reason that is too long."""
        check_reason(self.reason)
        issues = []
        if not (self.ids or self.status or self.workflow_id or self.since or self.until):
            issues.append(Issue("", "say which executions: ids, status, workflow, since or until"))
        if len(self.ids) > MOST:
            issues.append(Issue("ids", f"has {len(self.ids):,} entries; at most {MOST:,} are possible"))
        if not 1 <= self.limit <= MOST:
            issues.append(Issue("limit", f"must be from 1 to {MOST:,}"))
        if issues:
            raise InvalidInputError("The bulk command is not valid", issues)


async def handle(message: BulkExecutions, context: Context, principal: Principal) -> JsonObject:
    """Tell the engine of each; what fails is said of that execution alone."""
    ids = await _chosen(message, context)
    chosen, more = ids[: message.limit], len(ids) > message.limit
    results: list[JsonObject] = [{} for _ in chosen]
    slots = anyio.CapacityLimiter(_AT_ONCE)

    async def tell(place: int, execution_id: str) -> None:
        async with slots:
            results[place] = await _one(message, execution_id, context, principal)

    async with anyio.create_task_group() as group:
        for place, execution_id in enumerate(chosen):
            group.start_soon(tell, place, execution_id)
    failed = sum("error" in result for result in results)
    return {
        "matched": len(chosen),
        "done": len(chosen) - failed,
        "failed": failed,
        "more": more,
        "results": list(results),
    }


async def _one(message: BulkExecutions, execution_id: str, context: Context, principal: Principal) -> JsonObject:
    arguments = {"reason": message.reason} if message.action in _WITH_REASON else {}
    command = _COMMANDS[message.action](tenant_id=message.tenant_id, execution_id=execution_id, **arguments)
    try:
        return await execution_commands.handle(command, context, principal)
    except FlowrunError as error:
        return {"execution_id": execution_id, "error": {"code": error.code, "message": str(error)}}


async def _chosen(message: BulkExecutions, context: Context) -> list[str]:
    """The ids that the filter holds for, and one more than the limit when there are more."""
    others = message.status or message.workflow_id or message.since or message.until
    if message.ids and not others:
        return list(dict.fromkeys(message.ids))
    table = t.executions
    query = select(table.c.id).where(table.c.tenant_id == message.tenant_id)
    if message.ids:
        query = query.where(table.c.id.in_(message.ids))
    if message.status:
        query = query.where(table.c.status.in_([status.value for status in message.status]))
    if message.workflow_id is not None:
        query = query.where(table.c.workflow_id == message.workflow_id)
    if message.since is not None:
        query = query.where(table.c.id >= _first_id(message.since))
    if message.until is not None:
        query = query.where(table.c.id < _first_id(message.until))
    rows = await context.reader.all(query.order_by(table.c.id).limit(message.limit + 1))
    return [row["id"] for row in rows]


def _first_id(at: int) -> str:
    """A time (ms) as an id: a UUIDv7 begins with the millisecond of its creation, and ids are indexed."""
    digits = f"{max(at, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"
