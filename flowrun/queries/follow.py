"""What streams ask before they begin, and as they go on: whether one may follow, and what has come in since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus
from flowrun.ports import Context
from flowrun.queries.documents import require_tenant
from flowrun.queries.get_execution import execution_row
from flowrun.queries.get_history import read_events


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowTenant(Query[None]):
    """Whether one may follow what changes; `tenant_id` None is every tenant, for the operator alone."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str | None


async def follow_tenant(query: FollowTenant, context: Context, _principal: Principal) -> None:
    """Raises `NotFoundError`."""
    if query.tenant_id is not None:
        await require_tenant(context, query.tenant_id)


@dataclass(frozen=True, slots=True)
class NextEvents:
    """What has come in: events as in the history, whether there are more, and whether none will come after these."""

    items: list[JsonObject]
    more: bool
    status: ExecutionStatus
    """As it was before the events were read: where it is final and there are no more, these are the last."""

    @property
    def last(self) -> bool:
        """Whether nothing comes after them."""
        return not self.more and self.status in FINAL_EXECUTION


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowExecution(Query[NextEvents]):
    """The next events of an execution after the number `after_seq`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str
    after_seq: int
    limit: int


async def follow_execution(query: FollowExecution, context: Context, _principal: Principal) -> NextEvents:
    """Raises `NotFoundError`."""
    row = await execution_row(context, query.tenant_id, query.execution_id)
    items, more = await read_events(context, query.execution_id, query.after_seq, query.limit)
    return NextEvents(items, more, ExecutionStatus(row["status"]))
