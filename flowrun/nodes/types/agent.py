"""The node that lets a language model answer, with tools, structured output and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Outcome
from flowrun.errors import Issue
from flowrun.nodes.agent.params import AgentParams
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.sandbox_syntax import syntax_error

_SECRET = re.compile(r"\{\{[^}]*\bsecrets\b\s*[.\[]")
_SAID = ("prompt", "system", "conversation_id", "conversationId")


_TOLD = "must not hold a secret: it is told to the model"
_SECRETS_IN_TOOLS = ("url", "headers")


def _tool_issues(tool: JsonObject) -> Iterator[Issue]:
    for name, value in tool.items():
        if name not in _SECRETS_IN_TOOLS and _SECRET.search(str(value)):
            yield Issue(name, "must not hold a secret: only the `url` and `headers` of an HTTP tool can")
    source = tool.get("source")
    if tool.get("type") != "code" or not isinstance(source, str):
        return
    if "{{" in source:
        yield Issue("source", "must not hold `{{`, which begins an expression: give values as `inputs`")
    elif (wrong := syntax_error(source)) is not None:
        yield Issue("source", wrong)


class Agent(WorkerNodeType):
    """Lets a language model answer, calling tools on its way; its output is `{text, data, usage, model, …}`.

    Any OpenAI-compatible endpoint will do: `base_url` names it, or the model's name begins with a provider
    (`anthropic:`, `cerebras:`, `deepseek:`, `google:`, `groq:`, `mistral:`, `openai:`, `openrouter:`, `together:`,
    `xai:`). The output is `text`; `data` with an `output_schema`; `usage` with `requests`, `input_tokens` and
    `output_tokens`; `model`; `finish_reason`; and `tool_calls`, each with `name`, `arguments` and `result`.

    A tool is an HTTP call, Python in the sandbox of the node `code`, or another workflow, which is started once for
    each call. What the agent is doing can be read while it runs: `flowrun executions logs EXECUTION NODE`.

    `rate_limited` (after `Retry-After`), `model_unavailable`, `invalid_answer`, `connection_error` and `http_timeout`
    are retried; `model_unauthorized`, `model_rejected`, `model_refused`, `unfit_answer` (no JSON that fits the schema,
    after one correction), `agent_limit` and `address_refused` are not. An attempt that runs again repeats the whole
    turn; its tools get the same `Idempotency-Key` for the same call. Private addresses are refused unless
    `FLOWRUN_HTTP_ALLOW` has them, for the endpoint as for tools.

    With a `conversation_id` the model is also sent what was said before in this conversation of this workflow; the
    turn is remembered once, however often it is attempted. docs/agent.md has a full example.
    """

    name = "agent"
    worker = "agent"
    calls_workflows = True
    default_timeout = 300.0
    Params = AgentParams
    example = MappingProxyType(
        {
            "model": "openai:gpt-5-mini",
            "api_key": "{{ secrets.OPENAI_API_KEY }}",
            "system": "You answer customers of a shop, briefly.",
            "prompt": "{{ input.text }}",
            "temperature": 0.2,
            "tools": [
                {
                    "name": "find_order",
                    "description": "Finds an order by its number.",
                    "parameters": {
                        "type": "object",
                        "properties": {"number": {"type": "string"}},
                        "required": ["number"],
                    },
                    "url": "https://shop.example.com/orders/{number}",
                    "headers": {"Authorization": "Bearer {{ secrets.SHOP_TOKEN }}"},
                },
                {
                    "type": "code",
                    "name": "delivery_day",
                    "description": "Tells on which day something is delivered that is sent on a weekday (0 is Monday).",
                    "parameters": {
                        "type": "object",
                        "properties": {"weekday": {"type": "integer"}},
                        "required": ["weekday"],
                    },
                    "source": "return (weekday + days) % 7",
                    "inputs": {"days": "{{ vars.delivery_days }}"},
                },
                {
                    "type": "workflow",
                    "name": "refund",
                    "description": "Refunds an order, after a person has agreed.",
                    "parameters": {
                        "type": "object",
                        "properties": {"order": {"type": "string"}},
                        "required": ["order"],
                    },
                    "workflow_id": "refund-order",
                    "input": {"customer": "{{ input.customer_id }}"},
                    "timeout": "2m",
                },
            ],
            "output_schema": {
                "type": "object",
                "properties": {"answer": {"type": "string"}, "needs_person": {"type": "boolean"}},
                "required": ["answer", "needs_person"],
            },
            "conversation_id": "{{ input.customer_id }}",
            "limits": {"requests": 5, "tokens": 20000, "seconds": "1m"},
        }
    )

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Also refuse secrets in what the model is told, as it may repeat them, and in what other executions keep."""
        own = [Issue(name, _TOLD) for name in _SAID if _SECRET.search(str(node.params.get(name, "")))]
        tools = node.params.get("tools")
        for number, tool in enumerate(tools if isinstance(tools, list) else []):
            if isinstance(tool, dict):
                own += [Issue(f"tools[{number}].{issue.path}", issue.message) for issue in _tool_issues(tool)]
        return [*super().issues(node), *own]

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Take the turn; see `flowrun.nodes.agent.runner`."""
        from flowrun.nodes.agent.runner import run_agent  # noqa: PLC0415 - loaded with the first turn

        return await run_agent(job, services)
