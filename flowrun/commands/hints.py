"""What a saved workflow lacks before it can run: what it names and what is not there yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import ColumnElement, Connection, Table, literal, select

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.json import JsonObject
from flowrun.nodes.references import CHANNEL, SECRET, WORKFLOW, Reference, references
from flowrun.persistence import tables as t

_GOOD = {SECRET: "set", CHANNEL: "active", WORKFLOW: "published"}
_TABLES: Mapping[str, tuple[Table, ColumnElement[str], ColumnElement[str]]] = {
    SECRET: (t.secrets, t.secrets.c.name, literal(_GOOD[SECRET])),
    CHANNEL: (t.channels, t.channels.c.name, t.channels.c.status),
    WORKFLOW: (t.workflows, t.workflows.c.id, t.workflows.c.status),
}
"""Where each is, by which name, and in what state."""
_ADVICE = {
    SECRET: ": set it with `flowrun secrets set {name}`",
    CHANNEL: ": set it with `flowrun channels set {name}`",
    WORKFLOW: "",
}


def hints(connection: Connection, tenant_id: str, definition: WorkflowDefinition) -> list[JsonObject]:
    """`{path, message, kind, name}` for each thing that is missing, or not in use, where it is named first.

    They are hints, for all of it may come later.
    """
    named: dict[tuple[str, str], str] = {}
    for reference in _references(definition):
        named.setdefault((reference.kind, reference.name), reference.path)
    states: dict[tuple[str, str], str] = {(WORKFLOW, definition.id): _GOOD[WORKFLOW]}
    for kind in {kind for kind, _ in named}:
        states |= _states(connection, tenant_id, kind, [name for other, name in named if other == kind])
    return list(_missing(named, states))


def _references(definition: WorkflowDefinition) -> Iterator[Reference]:
    if definition.on_error:
        yield Reference(WORKFLOW, definition.on_error, "on_error")
    for node in definition.nodes:
        params = node.params_path or "params"
        for found in references(node.type, node.params) if not node.disabled else ():
            yield Reference(found.kind, found.name, f"{params}.{found.path}")


def _states(connection: Connection, tenant_id: str, kind: str, names: Collection[str]) -> dict[tuple[str, str], str]:
    table, name, state = _TABLES[kind]
    query = select(name, state).where(table.c.tenant_id == tenant_id, name.in_(names))
    return {(kind, row[0]): row[1] for row in connection.execute(query)}


def _missing(named: Mapping[tuple[str, str], str], states: Mapping[tuple[str, str], str]) -> Iterator[JsonObject]:
    for (kind, name), path in named.items():
        state, hint = states.get((kind, name)), {"path": path, "kind": kind, "name": name}
        if state is None:
            yield {**hint, "message": f"there is no {kind} {name!r} yet{_ADVICE[kind].format(name=name)}"}
        elif state != _GOOD[kind]:
            yield {**hint, "message": f"the {kind} {name!r} is {state}"}
