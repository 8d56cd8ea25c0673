"""What a saved workflow lacks before it can run: channels that its nodes name and that are not set yet."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from flowrun.domain.definition import NodeDefinition, WorkflowDefinition
from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.triggers.channels import channel_of


def channel_hints(connection: Connection, tenant_id: str, definition: WorkflowDefinition) -> list[JsonObject]:
    """`{path, message}` for each channel that is missing or disabled, where it is named first.

    It is a hint, for the channel may be set later.
    """
    named: dict[str, str] = {}
    for node in definition.nodes:
        for path, name in _named(node) if not node.disabled else ():
            named.setdefault(name, path)
    if not named:
        return []
    table = t.channels
    query = select(table.c.name, table.c.status).where(table.c.tenant_id == tenant_id, table.c.name.in_(named))
    known: dict[str, str] = {row.name: row.status for row in connection.execute(query)}
    hints: list[JsonObject] = []
    for name, path in named.items():
        if name not in known:
            message = f"there is no channel {name!r} yet: set it with `flowrun channels set {name}`"
            hints.append({"path": path, "message": message})
        elif known[name] != "active":
            hints.append({"path": path, "message": f"the channel {name!r} is {known[name]}"})
    return hints


def _named(node: NodeDefinition) -> Iterator[tuple[str, str]]:
    """The channel that a node names, where it is known before it runs, and the place of the name."""
    params = node.params_path or "params"
    if node.type == "webhook" and (name := channel_of(node.params.get("auth"))) is not None:
        yield f"{params}.auth.channel", name
    channel = node.params.get("channel")
    if node.type == "send" and isinstance(channel, str) and channel and "{{" not in channel:
        yield f"{params}.channel", channel
