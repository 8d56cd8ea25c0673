"""Everything that is wrong with a workflow document, without saving it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.domain.validate import validate
from flowrun.errors import Issue
from flowrun.formats import read_workflow, to_document
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateWorkflow(Query[JsonObject]):
    """Check a document of any accepted shape; `{valid, issues, definition}`, the definition in our own schema."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    document: JsonObject


async def handle(query: ValidateWorkflow, context: Context, _principal: Principal) -> JsonObject:
    """Never refuses: what is wrong is the answer. What only a save can see (a route that is taken) is not looked at."""
    # A large document takes a while, in which the event loop has other things to do.
    return await anyio.to_thread.run_sync(_checked, query.document, context.types)


def _checked(document: JsonObject, types: NodeTypes) -> JsonObject:
    result = read_workflow(document, default_id="workflow")
    issues = list(result.issues)
    if result.definition is not None:
        issues += validate(result.definition, types)
    valid = not issues and result.definition is not None
    return {
        "valid": valid,
        "issues": [_issue(issue) for issue in issues],
        "definition": to_document(result.definition) if valid and result.definition is not None else None,
    }


def _issue(issue: Issue) -> JsonObject:
    found: JsonObject = {"path": issue.path, "message": issue.message}
    if issue.suggestion is not None:
        found["suggestion"] = issue.suggestion
    return found
