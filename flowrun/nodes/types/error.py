"""The trigger of workflows that handle the failure of others."""

from __future__ import annotations

from types import MappingProxyType

from flowrun.nodes.base import TriggerNodeType


class ErrorTrigger(TriggerNodeType):
    """Starts an execution when a workflow fails or times out whose `on_error` names this one.

    `trigger.body` is `{workflow_id, execution_id, status, error}`. It starts once for each execution that failed. When
    it fails itself, nothing else is started.
    """

    name = "error"
    example = MappingProxyType({})
