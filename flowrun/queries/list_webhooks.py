"""Where the workflows of a tenant listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, tenant_page
from flowrun.queries.webhook_documents import webhook_document, webhooks_with_latest


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks(Query[JsonObject]):
    """A page of webhooks by id; `{items, next}`."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str | None = None
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListWebhooks, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant."""
    table = t.webhooks
    statement = webhooks_with_latest().where(table.c.tenant_id == query.tenant_id)
    if query.workflow_id is not None:
        statement = statement.where(table.c.workflow_id == query.workflow_id)
    return await tenant_page(context, query, statement, table.c.id, webhook_document)
