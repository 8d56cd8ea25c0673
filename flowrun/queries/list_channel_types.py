"""The types of channels that there are, and what each needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.channels.documents import type_documents
from flowrun.domain.json import JsonObject
from flowrun.ports import Context
from flowrun.queries.documents import require_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChannelTypes(Query[JsonObject]):
    """The types by name; `{items}` with `{type, provider, help, credentials: [{name, required, secret, …}], …}`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str


async def handle(query: ListChannelTypes, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    await require_tenant(context, query.tenant_id)
    return {"items": list(type_documents())}
