"""One webhook, with its params."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.webhook_documents import webhook_document, webhooks_with_latest


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWebhook(Query[JsonObject]):
    """A webhook; `config` has its params. Secrets are named there, and not shown."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    webhook_id: str


async def handle(query: GetWebhook, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    table = t.webhooks
    mine = (table.c.id == query.webhook_id, table.c.tenant_id == query.tenant_id)
    row = await context.reader.first(webhooks_with_latest().where(*mine))
    if row is None:
        raise NotFoundError(f"The tenant {query.tenant_id} has no webhook {query.webhook_id}")
    return {**webhook_document(row), "config": load(row["config"])}
