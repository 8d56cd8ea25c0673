"""The node that lets a language model answer, with tools, structured output and memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Outcome
from flowrun.errors import Issue
from flowrun.nodes.agent.params import AgentParams
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services

_SECRET = re.compile(r"\{\{[^}]*\bsecrets\b\s*[.\[]")
_SAID = ("prompt", "system", "conversation_id", "conversationId")


class Agent(WorkerNodeType):
    """Lets a language model answer, calling tools on its way; its output is `{text, data, usage, model, …}`.

    Any OpenAI-compatible endpoint will do: `base_url` names it, or the model's name begins with a provider
    (`anthropic:`, `cerebras:`, `deepseek:`, `google:`, `groq:`, `mistral:`, `openai:`, `openrouter:`, `together:`,
    `xai:`). The output is `text`; `data` with an `output_schema`; `usage` with `requests`, `input_tokens` and
    `output_tokens`; `model`; `finish_reason`; and `tool_calls`, each with `name`, `arguments` and `result`.

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
                }
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
        """Also refuse secrets in what the model is told: it may repeat them, and conversations are stored."""
        told = "must not hold a secret: it is told to the model"
        own = [Issue(name, told) for name in _SAID if _SECRET.search(str(node.params.get(name, "")))]
        return [*super().issues(node), *own]

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Take the turn; see `flowrun.nodes.agent.runner`."""
        from flowrun.nodes.agent.runner import run_agent  # noqa: PLC0415 - loaded with the first turn

        return await run_agent(job, services)
