"""The node that runs Python."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed, Outcome
from flowrun.errors import Issue
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.fields import Seconds
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel
from flowrun.nodes.sandbox import run_code
from flowrun.nodes.sandbox_errors import CodeError
from flowrun.nodes.sandbox_syntax import syntax_error

LONGEST_SOURCE = 100_000
"""Characters."""


def _variable(value: object) -> str:
    if not isinstance(value, str) or not value.isidentifier() or keyword.iskeyword(value):
        raise ValueError("must be the name of a variable: letters, digits and _")
    if value == "input":
        raise ValueError("must not be 'input': that is the node's input")
    return value


class CodeParams(ParamsModel):
    """The params of `code`."""

    source: Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE)] = Field(
        description="Python, as it is: `{{ }}` in it is no expression."
    )
    inputs: dict[Annotated[str, BeforeValidator(_variable)], Any] = Field(
        default={}, description="Name → value of further variables, with expressions."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=300)] = Field(
        default=10.0, description="How long the code may take; beyond 60 s only as long as the node's own `timeout`."
    )
    memory_mb: int = Field(
        default=64, ge=8, le=256, description="MiB that its values may take, with those of the input."
    )


class Code(WorkerNodeType):
    """Runs Python in a sandbox; its output is what the code returns, or the value of its last expression.

    The variable `input` is the node's input, and `inputs` gives more. The language is a subset of Python with parts of
    its library (`json`, `re`, `math`, `datetime`, `random` and others): no inheritance, no packages, and no files,
    network, processes or environment. Every run has a process of its own, which is killed when the node is cancelled.

    What it prints can be read while it runs: `flowrun executions logs EXECUTION NODE`.

    It fails as `code_syntax`, `code_error` (an exception, with its line), `code_timeout` or `code_memory`; as
    `invalid_output` when the result is not JSON, as `output_too_large` beyond 1 MiB. Tuples become lists.
    Ranges, functions, and the `keys()`, `values()` and `items()` of a dict leave the sandbox as texts, such as
    `range(0, 3)`; for their items return `list(…)` of a range or a view.
    """

    name = "code"
    worker = "agent"
    needs_input = True
    deferred_params = frozenset({"source"})
    Params = CodeParams
    example = MappingProxyType(
        {
            "source": "large = [line for line in input['lines'] if line['price'] > limit]\n"
            "return {'count': len(large), 'total': sum(line['price'] for line in large)}",
            "inputs": {"limit": "{{ vars.limit }}"},
            "timeout": "5s",
            "memory_mb": 32,
        }
    )

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Return everything wrong with the params as written, with the first error in the source's syntax."""
        found = list(super().issues(node))
        source = node.params.get("source")
        if not isinstance(source, str) or any(issue.path == "source" for issue in found):
            return found
        if len(source) > LONGEST_SOURCE:
            # The model's own issue is put off when the source has braces, which mean nothing here.
            return [*found, Issue("source", f"must have {LONGEST_SOURCE} characters or fewer")]
        wrong = syntax_error(source)
        return found if wrong is None else [*found, Issue("source", wrong)]

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Run the code."""
        params: Any = job.params
        try:
            result = await run_code(
                params["source"],
                {**params["inputs"], "input": job.input},
                timeout=params["timeout"],
                memory_mb=params["memory_mb"],
                tenant_id=job.tenant_id,
                log=job.log,
                held_up=job.held_up,
            )
        except CodeError as error:
            return error.outcome()
        return Completed(result.value)
