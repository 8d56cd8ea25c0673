"""One turn of an agent: ask the model, run the tools that it calls, and ask again, until it has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.agent.chat import Chat, Reply
from flowrun.nodes.agent.errors import AgentError, AgentLimitError
from flowrun.nodes.agent.structured import UnfitAnswerError, correction, read_data
from flowrun.nodes.agent.tools import Toolbox
from flowrun.nodes.job import unheard

_EXCERPT = 2000


@dataclass(slots=True)
class Usage:
    """What a turn has used."""

    prices: dict[str, float] | None = None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def cost(self) -> float | None:
        """The money, if prices are known."""
        if self.prices is None:
            return None
        millionths = self.input_tokens * self.prices["input"] + self.output_tokens * self.prices["output"]
        return round(millionths / 1_000_000, 9)

    def spelled(self) -> str:
        """Say it to people."""
        money = "" if self.cost is None else f", a cost of {self.cost:g}"
        return f"{self.input_tokens:,} tokens in, {self.output_tokens:,} out{money}"

    def document(self) -> JsonObject:
        """Return it as the node's output has it."""
        counted: JsonObject = {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        return counted if self.cost is None else counted | {"cost": self.cost}


@dataclass(slots=True)
class Answer:
    """What the model said in the end."""

    text: str
    finish_reason: str
    data: JsonValue = None


@dataclass(slots=True)
class Turn:
    """A turn under way: `messages` grows, `usage` counts."""

    chat: Chat
    toolbox: Toolbox
    limits: dict[str, Any]
    messages: list[JsonValue]
    schema: JsonObject | None = None
    usage: Usage = field(default_factory=Usage)
    log: Callable[[str], None] = unheard
    _calls: int = 0

    async def run(self) -> Answer:
        """Go on until there is an answer. Raises `AgentError` and `HttpError`."""
        seconds = self.limits["seconds"]
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._run()
        except TimeoutError:
            if limit.expired():
                raise AgentLimitError("seconds", f"The turn took longer than its limit of {seconds:g} s") from None
            raise

    async def _run(self) -> Answer:
        corrected = False
        while True:
            reply = await self._ask()
            if reply.calls:
                await self._call_tools(reply)
                continue
            if not reply.text.strip() and not self.toolbox.record:
                # After a tool's work there may be nothing left to say; without any, nobody is served by nothing.
                raise _empty(reply)
            answer = Answer(reply.text, reply.finish_reason)
            if self.schema is None:
                return answer
            try:
                answer.data = read_data(self.schema, reply.text)
            except UnfitAnswerError as error:
                if corrected:
                    raise _unfit(error, reply) from None
                corrected = True
                self.log("The answer does not fit the schema, and is sent back once")
                self.messages.append({"role": "user", "content": correction(error)})
            else:
                return answer

    async def _ask(self) -> Reply:
        self._check_limits()
        self.usage.requests += 1
        self.log(f"Request {self.usage.requests} to {self.chat.place.model}: {len(self.messages)} messages")
        reply = await self.chat.ask(self.messages)
        self.usage.input_tokens += reply.input_tokens
        self.usage.output_tokens += reply.output_tokens
        self.log(f"{_said(reply)}; {self.usage.spelled()} so far")
        if reply.refusal:
            raise AgentError("model_refused", f"The model refused: {reply.refusal[:_EXCERPT]}")
        self.messages.append(reply.message)
        return reply

    def _check_limits(self) -> None:
        """See to it that another request may be made. Raises `AgentLimitError`."""
        usage, most_cost = self.usage, self.limits["cost"]
        used = {"requests": usage.requests, "tokens": usage.input_tokens + usage.output_tokens}
        for name, count in used.items():
            if count >= self.limits[name]:
                raise AgentLimitError(name, f"The model has no final answer after {count} {name}")
        if most_cost is not None and usage.cost is not None and usage.cost >= most_cost:
            raise AgentLimitError("cost", f"The model has no final answer after a cost of {usage.cost:g}")

    async def _call_tools(self, reply: Reply) -> None:
        most = self.limits["tool_calls"]
        self._calls += len(reply.calls)
        if self._calls > most:
            raise AgentLimitError("tool_calls", f"The model calls tools more than {most} times")
        self.messages.extend(await self.toolbox.run(reply.calls))


def _said(reply: Reply) -> str:
    if reply.refusal:
        return "The model has refused"
    if not reply.calls:
        return f"The model has answered ({reply.finish_reason})" if reply.finish_reason else "The model has answered"
    return f"The model calls {len(reply.calls)} tool{'s' if len(reply.calls) > 1 else ''}"


def _unfit(error: UnfitAnswerError, reply: Reply) -> AgentError:
    cut = " (it was cut off at its most tokens)" if reply.finish_reason == "length" else ""
    details: JsonObject = {"text": reply.text[:_EXCERPT], "finish_reason": reply.finish_reason}
    return AgentError("unfit_answer", f"The model's answer does not fit the schema{cut}: {error}", details=details)


def _empty(reply: Reply) -> AgentError:
    if reply.finish_reason == "content_filter":
        return AgentError("model_refused", "The model's answer was held back by a content filter")
    details: JsonObject = {"finish_reason": reply.finish_reason}
    return AgentError("invalid_answer", "The model's answer is empty", retryable=True, details=details)
