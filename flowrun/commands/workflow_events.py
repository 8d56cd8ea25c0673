"""The event triggers of a workflow: what its definition says of them, and their rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.errors import InvalidInputError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump

EVENT = "event"
EventNode = tuple[str, JsonObject]
"""Node id and config, as `EventTriggers.replace` takes them."""


def event_nodes(definition: WorkflowDefinition, types: NodeTypes) -> list[EventNode]:
    """The enabled event triggers whose params are valid; the others are `validate`'s to report."""
    kind = types.get(EVENT)
    found = []
    for node in definition.nodes:
        if kind is None or node.type != EVENT or node.disabled:
            continue
        try:
            found.append((node.id, dict(kind.check(node.params))))
        except InvalidInputError:
            continue
    return found


def store_events(
    connection: Connection, tenant_id: str, workflow_id: str, nodes: Sequence[EventNode], *, active: bool
) -> list[EventNode]:
    """Let the workflow's rows be these, or none unless it is active. Gives what waits from now on."""
    table = t.event_triggers
    connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.workflow_id == workflow_id))
    waiting = list(nodes) if active else []
    for node_id, config in waiting:
        key = {"tenant_id": tenant_id, "workflow_id": workflow_id, "node_id": node_id}
        connection.execute(insert(table).values(**key, config=dump(config)))
    return waiting
