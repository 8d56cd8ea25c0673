"""Node types for tests: a step whose result the test plays, and a node whose behaviour stands in its params."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome, Waiting
from flowrun.nodes.base import EngineNodeType, WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel
from flowrun.nodes.registry import builtin_types


class StepParams(ParamsModel):
    """What a step may be given; it has no meaning of its own."""

    value: Any = Field(default=None, description="Anything.")


class Step(WorkerNodeType):
    """A step of a worker; in the tests of the domain its results are played."""

    name = "step"
    worker = "webhook"
    needs_input = True
    Params = StepParams

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Complete with the node's id and input."""
        return Completed({"node": job.node_id, "input": job.input})


class ScriptParams(ParamsModel):
    """What a scripted node does."""

    output: Any = Field(default=None, description="Its output.")
    ports: list[str] = Field(default=["main"], description="The ports that it takes.")
    error: str | None = Field(default=None, description="The type of the error it fails with.")
    wait_ms: int = Field(default=0, description="How long it waits.")


class Script(EngineNodeType):
    """A node that the engine runs, and that does what its params say."""

    name = "script"
    Params = ScriptParams

    def ports(self, params: Any) -> tuple[str, ...]:
        """Every port that the tests use."""
        return ("main", "left", "right", *params.get("ports", ()))

    def run_in_engine(self, context: NodeContext) -> Outcome:
        """Do as the params say."""
        params: Any = context.params
        if params["error"] is not None:
            return Failed(params["error"], "as the script says")
        if params["wait_ms"]:
            return Waiting(context.now + params["wait_ms"], params["output"])
        return Completed(params["output"], tuple(params["ports"]))


TYPES = builtin_types()
TYPES.add(Step())
TYPES.add(Script())
