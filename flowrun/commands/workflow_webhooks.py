"""The webhooks of a workflow: what its definition says of them, their rows, and where they listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from flowrun.commands.channel_addresses import refresh_addresses
from flowrun.domain.definition import NodeDefinition, WorkflowDefinition
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.errors import InvalidInputError, Issue
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump
from flowrun.ports import Routes
from flowrun.triggers.channels import channel_of
from flowrun.triggers.paths import route_name

WEBHOOK = "webhook"
_SYNCHRONOUS = frozenset({"last_node", "response_node"})
Route = tuple[str, str, JsonObject]
"""Webhook id, node id and config, as `Routes.replace` takes them."""


@dataclass(frozen=True, slots=True)
class WebhookNode:
    """A webhook trigger of a definition; `config` is its params with their defaults."""

    node: NodeDefinition
    config: JsonObject

    @property
    def synchronous(self) -> bool:
        """Whether its caller waits for the result."""
        return self.config.get("response_mode") in _SYNCHRONOUS

    @property
    def methods(self) -> frozenset[str]:
        """The HTTP methods that it answers."""
        methods = self.config.get("methods")
        return frozenset(map(str, methods)) if isinstance(methods, list) else frozenset()


def webhook_nodes(definition: WorkflowDefinition, types: NodeTypes) -> list[WebhookNode]:
    """The enabled webhook triggers whose params are valid; the others are `validate`'s to report."""
    kind = types.get(WEBHOOK)
    found = []
    for node in definition.nodes:
        if kind is None or node.type != WEBHOOK or node.disabled:
            continue
        try:
            found.append(WebhookNode(node, dict(kind.check(node.params))))
        except InvalidInputError:
            continue
    return found


def rival_issues(tenant_id: str, workflow_id: str, nodes: Sequence[WebhookNode], routes: Routes) -> list[Issue]:
    """An issue for each synchronous webhook on whose route another published workflow answers already."""
    return [
        Issue(
            f"{webhook.node.params_path or 'params'}.path",
            f"the workflow {rival!r} answers callers of this route already: at most one synchronous webhook can",
        )
        for webhook in nodes
        if webhook.synchronous
        if (rival := _rival(tenant_id, workflow_id, webhook, routes)) is not None
    ]


def _rival(tenant_id: str, workflow_id: str, webhook: WebhookNode, routes: Routes) -> str | None:
    path = str(webhook.config["path"])
    for method in sorted(webhook.methods):
        # No literal segment has braces, so that a pattern, looked up as if it were a path, finds its like.
        for match in routes.match(tenant_id, method, path):
            same_route = route_name(str(match.config["path"])) == route_name(path)
            is_other = match.workflow_id != workflow_id
            if is_other and same_route and match.config.get("response_mode") in _SYNCHRONOUS:
                return match.workflow_id
    return None


def store_webhooks(
    connection: Connection,
    tenant_id: str,
    workflow_id: str,
    nodes: Sequence[WebhookNode],
    *,
    active: bool,
    new_id: Callable[[], str],
) -> list[Route]:
    """Let the workflow's rows be these; a node that had a row keeps its id. Gives where they listen."""
    table = t.webhooks
    mine = (table.c.tenant_id == tenant_id, table.c.workflow_id == workflow_id)
    before = connection.execute(select(table.c.id, table.c.node_id, table.c.channel).where(*mine)).all()
    ids: dict[str, str] = {row.node_id: row.id for row in before}
    gone = set(ids) - {webhook.node.id for webhook in nodes}
    if gone:
        connection.execute(delete(table).where(*mine, table.c.node_id.in_(gone)))
    routes: list[Route] = []
    for webhook in nodes:
        values = _values(webhook, active=active)
        webhook_id = ids.get(webhook.node.id)
        if webhook_id is None:
            webhook_id = new_id()
            key = {"id": webhook_id, "tenant_id": tenant_id, "workflow_id": workflow_id, "node_id": webhook.node.id}
            connection.execute(insert(table).values(**key, **values))
        else:
            connection.execute(update(table).where(table.c.id == webhook_id).values(**values))
        routes.append((webhook_id, webhook.node.id, webhook.config))
    channels = [*(row.channel for row in before), *(channel_of(webhook.config.get("auth")) for webhook in nodes)]
    refresh_addresses(connection, tenant_id, filter(None, channels))
    return routes if active else []


def _values(webhook: WebhookNode, *, active: bool) -> Mapping[str, str | None]:
    return {
        "name": str(webhook.config.get("name") or webhook.node.name or webhook.node.id),
        "provider": str(webhook.config.get("provider") or "generic"),
        "config": dump(webhook.config),
        "status": "active" if active else "inactive",
        "channel": channel_of(webhook.config.get("auth")),
    }
