"""Counts, rates and latencies: of the service, or of one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.ports import Context
from flowrun.queries.documents import require_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStats(Query[JsonObject]):
    """The service as a whole, its workers, and what each tenant has."""

    scope: ClassVar[Scope] = Scope.READ
    operator_only: ClassVar[bool] = True


async def handle(_query: GetStats, context: Context, _principal: Principal) -> JsonObject:
    """Nothing is read: the numbers are kept as things happen."""
    return context.stats.everything()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTenantStats(Query[JsonObject]):
    """A tenant, and each of its workflows that has something running or had in the last hour."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str


async def of_tenant(query: GetTenantStats, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    await require_tenant(context, query.tenant_id)
    return context.stats.of(query.tenant_id)
