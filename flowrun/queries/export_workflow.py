"""A workflow as a file: YAML or JSON of our own schema, or a Mermaid picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.definition import WorkflowStatus
from flowrun.errors import NotFoundError
from flowrun.formats import read_workflow, to_document, to_json, to_mermaid, to_yaml
from flowrun.persistence.json_text import load
from flowrun.ports import Context
from flowrun.queries.get_workflow import stored_version, workflow_row


class ExportFormat(StrEnum):
    """What a workflow can be exported as."""

    YAML = "yaml"
    JSON = "json"
    MERMAID = "mermaid"


@dataclass(frozen=True, slots=True)
class Export:
    """A text and its media type."""

    text: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWorkflow(Query[Export]):
    """One workflow as a text; `version` None is the current one."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    workflow_id: str
    version: int | None = None
    format: ExportFormat = ExportFormat.YAML


async def handle(query: ExportWorkflow, context: Context, _principal: Principal) -> Export:
    """Raises `NotFoundError`."""
    row = await workflow_row(context, query.tenant_id, query.workflow_id)
    stored = await stored_version(context, row, query.version)
    definition = read_workflow(load(stored["definition"])).definition
    if definition is None:
        raise NotFoundError(f"Version {stored['version']} of {query.workflow_id} cannot be read by this flowrun")
    if query.format is ExportFormat.MERMAID:
        return Export(to_mermaid(definition), "text/vnd.mermaid")
    document = to_document(replace(definition, status=WorkflowStatus(row["status"])))
    if query.format is ExportFormat.JSON:
        return Export(to_json(document), "application/json")
    return Export(to_yaml(document), "application/yaml")
