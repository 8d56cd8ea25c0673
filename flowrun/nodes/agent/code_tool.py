"""The tool that is Python in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.sandbox import run_code
from flowrun.nodes.sandbox_errors import CodeError


class CodeTool:
    """Runs the author's source with the model's arguments as variables; every call has a process of its own."""

    def __init__(self, params: Mapping[str, Any], job: NodeJob, _services: Services) -> None:
        self.params = params
        self._job = job

    async def call(self, arguments: JsonObject, _idempotency_key: str) -> JsonValue:
        """See `flowrun.nodes.agent.tools.Tool.call`; gives what the code returns, or `{error}`."""
        params = self.params
        # Those that the author has named, and no others: an argument must not take the place of a function.
        declared = {name: arguments.get(name) for name in params["parameters"].get("properties", {})}
        try:
            result = await run_code(
                params["source"],
                {**declared, **params["inputs"], "input": arguments},
                timeout=params["timeout"],
                memory_mb=params["memory_mb"],
                tenant_id=self._job.tenant_id,
                log=lambda text: self._job.log(f"{params['name']}: {text}"),
            )
        except CodeError as error:
            if error.type == "code_unavailable":
                raise AgentError(error.type, str(error), retryable=error.retryable) from None
            return {"error": f"{error.type}: {error}"}
        return result.value
