"""Saves a workflow: checks everything about it, and makes a new version when something has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import anyio.to_thread
from sqlalchemy import Connection, func, insert, select, update

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.hints import hints
from flowrun.commands.workflow_events import EventNode, event_nodes, store_events
from flowrun.commands.workflow_schedules import schedule_nodes, store_schedules
from flowrun.commands.workflow_webhooks import Route, WebhookNode, rival_issues, store_webhooks, webhook_nodes
from flowrun.domain.definition import WorkflowDefinition, WorkflowStatus
from flowrun.domain.json import JsonObject
from flowrun.domain.validate import validate
from flowrun.errors import InvalidInputError, Issue, NotFoundError
from flowrun.formats import read_workflow, to_document
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump, load
from flowrun.ports import Context

_SETTINGS = ("on_error", "timeout", "concurrency", "variables")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveWorkflow(Command[JsonObject]):
    """Save a document of any accepted shape; `{id, version, status, changed, created, issues, hints}`.

    A definition equal to the current one keeps its version. A document that says nothing of its status leaves a
    known workflow's as it is, and publishes a new one. `dry_run` answers the same and saves nothing.
    """

    scope: ClassVar[Scope] = Scope.WRITE
    tenant_id: str
    workflow_id: str | None = None
    """None: the document's own id."""
    document: JsonObject
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Outcome:
    version: int
    status: WorkflowStatus
    changed: bool
    created: bool
    routes: list[Route]
    events: list[EventNode]
    hints: list[JsonObject]


async def handle(message: SaveWorkflow, context: Context, principal: Principal) -> JsonObject:
    """Save; raises `InvalidInputError` with every issue, `NotFoundError` for an unknown tenant."""
    # A large document takes a while, in which the event loop has other things to do.
    definition = await anyio.to_thread.run_sync(checked_definition, message.document, message.workflow_id, context)
    webhooks = webhook_nodes(definition, context.types)
    stated = definition.status if _states_status(message.document) else None
    if stated in {None, WorkflowStatus.PUBLISHED}:
        refuse(rival_issues(message.tenant_id, definition.id, webhooks, context.routes))

    def change(connection: Connection) -> _Outcome:
        save = _Save(connection, message.tenant_id, definition, webhooks, stated)
        return save.run(context, principal.name, dry_run=message.dry_run)

    outcome = await context.writer.transact(change)
    if not message.dry_run:
        context.graphs.forget(message.tenant_id, definition.id)
        context.routes.replace(message.tenant_id, definition.id, outcome.routes)
        context.events.replace(message.tenant_id, definition.id, outcome.events)
        context.schedules.changed()
        await context.limits.workflow_changed(message.tenant_id, definition.id)
    return {
        "id": definition.id,
        "version": outcome.version,
        "status": outcome.status.value,
        "changed": outcome.changed,
        "created": outcome.created,
        "issues": [],
        "hints": list(outcome.hints),
    }


def checked_definition(document: JsonObject, workflow_id: str | None, context: Context) -> WorkflowDefinition:
    """The definition that a document holds; raises `InvalidInputError` with everything that is wrong with it."""
    result = read_workflow(document, default_id=workflow_id)
    issues = list(result.issues)
    definition = result.definition
    if definition is not None:
        if workflow_id is not None and definition.id != workflow_id:
            issues.append(Issue("id", f"is {definition.id!r}, but the workflow is saved as {workflow_id!r}"))
        issues += validate(definition, context.types)
    refuse(issues)
    if definition is None:
        raise InvalidInputError("The document holds no workflow")
    return definition


def refuse(issues: list[Issue]) -> None:
    """Raise `InvalidInputError` when there are issues."""
    if issues:
        count = "1 issue" if len(issues) == 1 else f"{len(issues)} issues"
        raise InvalidInputError(f"The workflow is not valid: {count}", issues)


def _states_status(document: JsonObject) -> bool:
    inner = document.get("workflow")
    return document.get("status") is not None or (isinstance(inner, dict) and inner.get("status") is not None)


@dataclass(frozen=True, slots=True)
class _Save:
    """One saving, within its transaction."""

    connection: Connection
    tenant_id: str
    definition: WorkflowDefinition
    webhooks: list[WebhookNode]
    stated: WorkflowStatus | None

    def run(self, context: Context, by: str, *, dry_run: bool) -> _Outcome:
        tenant = t.tenants
        if self.connection.scalar(select(tenant.c.id).where(tenant.c.id == self.tenant_id)) is None:
            raise NotFoundError(f"There is no tenant {self.tenant_id}")
        table, versions = t.workflows, t.workflow_versions
        key = (table.c.tenant_id == self.tenant_id, table.c.id == self.definition.id)
        row = self.connection.execute(select(table.c.version, table.c.status).where(*key)).first()
        # The versions of a deleted workflow stay, for its history: a new one of that name goes on counting.
        mine = (versions.c.tenant_id == self.tenant_id, versions.c.workflow_id == self.definition.id)
        latest = self.connection.scalar(select(func.max(versions.c.version)).where(*mine)) or 0
        status = self.stated or (WorkflowStatus(row.status) if row else WorkflowStatus.PUBLISHED)
        # The status belongs to the workflow, not to its versions.
        document = to_document(replace(self.definition, status=WorkflowStatus.PUBLISHED))
        same = row is not None and self._stored(row.version) == document
        version = row.version if row is not None and same else latest + 1
        changed = not same or row is None or row.status != status.value
        routes: list[Route] = []
        events: list[EventNode] = []
        if not dry_run:
            now = context.clock.now()
            if not same:
                self._add_version(document, version, now, by)
            if changed:
                self._write(document, version, status, now, is_new=row is None)
            active = status is WorkflowStatus.PUBLISHED
            routes = store_webhooks(
                self.connection, self.tenant_id, self.definition.id, self.webhooks, active=active, new_id=context.new_id
            )
            nodes = event_nodes(self.definition, context.types)
            events = store_events(self.connection, self.tenant_id, self.definition.id, nodes, active=active)
            store_schedules(
                self.connection,
                self.tenant_id,
                self.definition.id,
                schedule_nodes(self.definition, context.types),
                active=active,
                now=now,
                new_id=context.new_id,
            )
        missing = hints(self.connection, self.tenant_id, self.definition)
        return _Outcome(version, status, changed, row is None, routes, events, missing)

    def _stored(self, version: int) -> JsonObject | None:
        versions = t.workflow_versions
        text = self.connection.scalar(
            select(versions.c.definition).where(
                versions.c.tenant_id == self.tenant_id,
                versions.c.workflow_id == self.definition.id,
                versions.c.version == version,
            )
        )
        stored: JsonObject | None = load(text)
        return stored

    def _add_version(self, document: JsonObject, version: int, now: int, by: str) -> None:
        self.connection.execute(
            insert(t.workflow_versions).values(
                tenant_id=self.tenant_id,
                workflow_id=self.definition.id,
                version=version,
                definition=dump(document),
                created_at=now,
                created_by=by,
            )
        )

    def _write(self, document: JsonObject, version: int, status: WorkflowStatus, now: int, *, is_new: bool) -> None:
        table = t.workflows
        values = {
            "name": self.definition.name,
            "description": self.definition.description,
            "nodes": dump(document["nodes"]),
            "edges": dump(document["edges"]),
            "version": version,
            "tags": dump(list(self.definition.tags)),
            "status": status.value,
            "settings": dump({name: document[name] for name in _SETTINGS if name in document}),
            "updated_at": now,
        }
        if is_new:
            key = {"tenant_id": self.tenant_id, "id": self.definition.id, "created_at": now}
            self.connection.execute(insert(table).values(**key, **values))
        else:
            found = (table.c.tenant_id == self.tenant_id, table.c.id == self.definition.id)
            self.connection.execute(update(table).where(*found).values(**values))
