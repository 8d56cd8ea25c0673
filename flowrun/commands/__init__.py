"""The commands: everything that changes something, each with its handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.bus import Handler, Message
from flowrun.commands import (
    bulk_executions,
    create_key,
    create_tenant,
    delete_workflow,
    execution_commands,
    fire_timer,
    receive_webhook,
    record_loss,
    record_result,
    record_start,
    rerun_execution,
    revoke_key,
    save_workflow,
    set_tenant_limits,
    set_workflow_status,
    start_execution,
)

COMMANDS: Mapping[type[Message[Any]], Handler] = {
    # What users ask for.
    save_workflow.SaveWorkflow: save_workflow.handle,
    set_workflow_status.SetWorkflowStatus: set_workflow_status.handle,
    delete_workflow.DeleteWorkflow: delete_workflow.handle,
    start_execution.StartExecution: start_execution.handle,
    receive_webhook.ReceiveWebhook: receive_webhook.handle,
    execution_commands.PauseExecution: execution_commands.handle,
    execution_commands.ResumeExecution: execution_commands.handle,
    execution_commands.CancelExecution: execution_commands.handle,
    execution_commands.TerminateExecution: execution_commands.handle,
    execution_commands.RetryExecution: execution_commands.handle,
    execution_commands.SkipNode: execution_commands.handle,
    rerun_execution.RerunExecution: rerun_execution.handle,
    bulk_executions.BulkExecutions: bulk_executions.handle,
    create_tenant.CreateTenant: create_tenant.handle,
    set_tenant_limits.SetTenantLimits: set_tenant_limits.handle,
    create_key.CreateKey: create_key.handle,
    revoke_key.RevokeKey: revoke_key.handle,
    # What the engine's own parts report.
    record_start.RecordStart: record_start.handle,
    record_result.RecordResult: record_result.handle,
    record_loss.RecordLoss: record_loss.handle,
    fire_timer.FireTimer: fire_timer.handle,
}
