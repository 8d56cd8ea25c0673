"""The node that runs another workflow."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pydantic import Field

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Called, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.params import ParamsModel


class WorkflowParams(ParamsModel):
    """The params of `workflow`."""

    workflow_id: str = Field(min_length=1, max_length=64, description="A published workflow of the same tenant.")
    input: Any = Field(default=None, description="What it starts with: any JSON. Default: the node's input.")
    wait: bool = Field(default=True, description="Wait for its end; false: only for its start.")


class SubWorkflow(EngineNodeType):
    """Starts another workflow, exactly once, and waits for its end.

    Its output is that workflow's, and that workflow's failure is the node's (`workflow_failed`, with the id of the
    execution). Without `wait` the output is `{execution_id, workflow_id}`. A chain of workflows that start one
    another ends after 16: the next call fails as `workflow_chain_too_long`.
    """

    name = "workflow"
    Params = WorkflowParams
    example = MappingProxyType({"workflow_id": "invoice", "input": {"order": "{{ input.id }}"}})

    def check(self, params: JsonObject) -> JsonObject:
        """Leave `input` out when it was not given: null is an input too."""
        checked = super().check(params)
        if "input" not in params:
            del checked["input"]
        return checked

    def decide(self, context: NodeContext) -> Outcome:
        """Let the workflow be started."""
        params: Any = context.params
        return Called(params["workflow_id"], params.get("input", context.input), wait=params["wait"])
