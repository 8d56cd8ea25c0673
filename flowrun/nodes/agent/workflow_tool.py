"""The tool that is another workflow of the tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError, UnavailableError, in_full
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.job import NodeJob, Services, WorkflowCall, WorkflowEnd


class WorkflowTool:
    """Starts a workflow with the model's arguments as input, once for each call, and waits for its end."""

    def __init__(self, params: Mapping[str, Any], job: NodeJob, services: Services) -> None:
        self.params = params
        self._job = job
        self._workflows = services.workflows

    async def call(self, arguments: JsonObject, idempotency_key: str) -> JsonValue:
        """See `flowrun.nodes.agent.tools.Tool.call`; gives the workflow's output, or `{error}`."""
        if self._workflows is None:
            raise AgentError("no_workflows", "Other workflows cannot be started here")
        params = self.params
        call = WorkflowCall(
            job=self._job,
            workflow_id=params["workflow_id"],
            input={**arguments, **params["input"]},
            key=idempotency_key,
            timeout=params["timeout"],
        )
        try:
            end = await self._workflows.call(call)
        except UnavailableError as error:
            raise AgentError("workflow_not_started", str(error), retryable=True) from None
        except FlowrunError as error:
            return {"error": f"the workflow {call.workflow_id} could not be started: {in_full(error)}"}
        return end.output if end.completed else {"error": _told(call, end)}


def _told(call: WorkflowCall, end: WorkflowEnd) -> str:
    if end.error is None:
        what = "was cancelled" if end.status == "cancelled" else f"is {end.status} after {call.timeout:g} s"
        return f"the workflow {call.workflow_id} {what}"
    message = f"the workflow {call.workflow_id} ended as {end.status.replace('_', ' ')}"
    return f"{message}: {end.error.get('type')}: {end.error.get('message')}"
