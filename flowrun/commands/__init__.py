"""The commands: everything that changes something, each with its handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.bus import Handler, Message
from flowrun.commands import (
    bulk_executions,
    create_key,
    create_tenant,
    delete_secret,
    delete_workflow,
    execution_commands,
    fire_schedule,
    fire_timer,
    listen_webhook,
    receive_events,
    receive_webhook,
    record_loss,
    record_refusals,
    record_result,
    record_start,
    recover_events,
    redeliver_webhook,
    rerun_execution,
    revoke_key,
    rotate_secrets,
    save_workflow,
    schedule_commands,
    set_secret,
    set_tenant_limits,
    set_tenant_status,
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
    receive_events.ReceiveEvents: receive_events.handle,
    redeliver_webhook.RedeliverWebhook: redeliver_webhook.handle,
    listen_webhook.ListenWebhook: listen_webhook.handle,
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
    set_tenant_status.SetTenantStatus: set_tenant_status.handle,
    create_key.CreateKey: create_key.handle,
    revoke_key.RevokeKey: revoke_key.handle,
    set_secret.SetSecret: set_secret.handle,
    delete_secret.DeleteSecret: delete_secret.handle,
    rotate_secrets.RotateSecrets: rotate_secrets.handle,
    schedule_commands.PauseSchedule: schedule_commands.pause,
    schedule_commands.ResumeSchedule: schedule_commands.resume,
    schedule_commands.TriggerSchedule: schedule_commands.trigger,
    # What the engine's own parts report.
    record_start.RecordStart: record_start.handle,
    record_result.RecordResult: record_result.handle,
    record_refusals.RecordRefusals: record_refusals.handle,
    record_loss.RecordLoss: record_loss.handle,
    fire_timer.FireTimer: fire_timer.handle,
    recover_events.RecoverEvents: recover_events.handle,
    fire_schedule.FireSchedule: fire_schedule.fire,
    fire_schedule.StartQueued: fire_schedule.start_queued,
}
