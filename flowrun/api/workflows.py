"""Workflows: save, look at, export, publish, delete."""

from __future__ import annotations

import anyio.to_thread
from starlette.responses import Response

from flowrun.api.body import workflow_document
from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, page
from flowrun.commands.delete_workflow import DeleteWorkflow
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.json import JsonObject
from flowrun.queries.export_workflow import ExportFormat, ExportWorkflow
from flowrun.queries.get_workflow import GetWorkflow
from flowrun.queries.list_workflows import ListWorkflows
from flowrun.queries.validate_workflow import ValidateWorkflow

_ALL = "/api/v1/tenants/{tenant}/workflows"
_ONE = _ALL + "/{workflow}"
_DOCUMENT = ("application/json", "application/yaml")
_VERSION = Param("version", "integer", "A version other than the current one.")


async def _document(call: Call) -> JsonObject:
    # A large YAML text takes a while, in which the event loop has other things to do.
    return await anyio.to_thread.run_sync(workflow_document, call.raw, call.request.headers)


async def save(call: Call) -> Response:
    """Save a workflow."""
    document = await _document(call)
    message = SaveWorkflow(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        document=document,
        dry_run=call.query["dry_run"],
    )
    outcome = await call.send(message)
    return JsonReply(outcome, 201 if outcome["created"] and not call.query["dry_run"] else 200)


async def validate(call: Call) -> Response:
    """Check a workflow document."""
    document = await _document(call)
    return JsonReply(await call.send(ValidateWorkflow(tenant_id=call.path("tenant"), document=document)))


async def show(call: Call) -> Response:
    """Show one workflow."""
    query = GetWorkflow(tenant_id=call.path("tenant"), workflow_id=call.path("workflow"), version=call.query["version"])
    return JsonReply(await call.send(query))


async def listing(call: Call) -> Response:
    """List workflows."""
    status = call.query["status"]
    query = ListWorkflows(
        tenant_id=call.path("tenant"),
        status=None if status is None else WorkflowStatus(status),
        q=call.query["q"],
        limit=call.query["limit"],
        cursor=call.query["cursor"],
    )
    return page(call.request, await call.send(query))


async def export(call: Call) -> Response:
    """Export one workflow."""
    query = ExportWorkflow(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        version=call.query["version"],
        format=ExportFormat(call.query["format"]),
    )
    found = await call.send(query)
    return Response(found.text, media_type=found.media_type)


async def delete(call: Call) -> Response:
    """Delete one workflow."""
    await call.send(DeleteWorkflow(tenant_id=call.path("tenant"), workflow_id=call.path("workflow")))
    return Response(status_code=204)


def _status(name: str, status: WorkflowStatus, summary: str) -> Operation:
    async def endpoint(call: Call) -> Response:
        message = SetWorkflowStatus(
            tenant_id=call.path("tenant"),
            workflow_id=call.path("workflow"),
            status=status,
            idempotency_key=call.idempotency_key,
        )
        return JsonReply(await call.send(message))

    return Operation(
        "POST", f"{_ONE}/{name}", endpoint, summary, body=(), answers={200: "`{id, version, status, changed}`."}
    )


OPERATIONS = (
    Operation(
        "GET",
        _ALL,
        listing,
        "List workflows",
        query=(
            Param("status", "string", "Only these.", choices=tuple(WorkflowStatus)),
            Param("q", "string", "A part of the id or the name."),
            *PAGE,
        ),
        answers=PAGED,
    ),
    Operation(
        "POST",
        _ALL + ":validate",
        validate,
        "Check a workflow document without saving it",
        accepts=_DOCUMENT,
        answers={200: "`{valid, issues, definition}`."},
    ),
    Operation(
        "PUT",
        _ONE,
        save,
        "Save a workflow, as a new version if anything has changed",
        query=(Param("dry_run", "boolean", "Check everything, save nothing.", default=False),),
        accepts=_DOCUMENT,
        answers={200: "`{id, version, status, changed, created, issues}`.", 201: "The same, for a new workflow."},
    ),
    Operation("GET", _ONE, show, "Show a workflow", query=(_VERSION,)),
    Operation("DELETE", _ONE, delete, "Delete a workflow that nothing runs any more", answers={204: "It is gone."}),
    Operation(
        "GET",
        _ONE + "/export",
        export,
        "Export a workflow as a file",
        query=(Param("format", "string", "Of the file.", choices=tuple(ExportFormat), default="yaml"), _VERSION),
        answers={200: "YAML, JSON or Mermaid."},
    ),
    _status("publish", WorkflowStatus.PUBLISHED, "Let triggers start a workflow"),
    _status("archive", WorkflowStatus.ARCHIVED, "Let nothing start a workflow any more"),
)
