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
    get_schedule,
    get_webhook,
    get_workflow,
    list_deliveries,
    list_events,
    list_executions,
    list_fires,
    list_keys,
    list_node_runs,
    list_schedules,
    list_secrets,
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
    get_webhook.GetWebhook: get_webhook.handle,
    list_deliveries.ListDeliveries: list_deliveries.handle,
    get_execution.GetExecution: get_execution.handle,
    list_executions.ListExecutions: list_executions.handle,
    list_node_runs.ListNodeRuns: list_node_runs.handle,
    get_node_run.GetNodeRun: get_node_run.handle,
    get_history.GetHistory: get_history.handle,
    list_schedules.ListSchedules: list_schedules.handle,
    get_schedule.GetSchedule: get_schedule.handle,
    list_fires.ListFires: list_fires.handle,
    list_tenants.ListTenants: list_tenants.handle,
    list_keys.ListKeys: list_keys.handle,
    list_events.ListEvents: list_events.handle,
    list_secrets.ListSecrets: list_secrets.handle,
    find_key.FindKey: find_key.handle,
}
