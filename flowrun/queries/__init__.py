"""The queries: everything that only reads, each with its handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.bus import Handler, Message
from flowrun.queries import (
    export_workflow,
    find_key,
    get_execution,
    get_history,
    get_node_run,
    get_workflow,
    list_executions,
    list_keys,
    list_node_runs,
    list_tenants,
    list_webhooks,
    list_workflows,
    validate_workflow,
)

QUERIES: Mapping[type[Message[Any]], Handler] = {
    get_workflow.GetWorkflow: get_workflow.handle,
    list_workflows.ListWorkflows: list_workflows.handle,
    export_workflow.ExportWorkflow: export_workflow.handle,
    validate_workflow.ValidateWorkflow: validate_workflow.handle,
    list_webhooks.ListWebhooks: list_webhooks.handle,
    get_execution.GetExecution: get_execution.handle,
    list_executions.ListExecutions: list_executions.handle,
    list_node_runs.ListNodeRuns: list_node_runs.handle,
    get_node_run.GetNodeRun: get_node_run.handle,
    get_history.GetHistory: get_history.handle,
    list_tenants.ListTenants: list_tenants.handle,
    list_keys.ListKeys: list_keys.handle,
    find_key.FindKey: find_key.handle,
}
