"""What a model may call: the kinds of tools, and how a turn runs the calls of one answer side by side."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed
from flowrun.nodes.agent.chat import ToolCall
from flowrun.nodes.agent.code_tool import CodeTool
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.agent.http_tool import HttpTool
from flowrun.nodes.agent.schema import value_problems
from flowrun.nodes.agent.workflow_tool import WorkflowTool
from flowrun.nodes.http_body import read_json
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.output import bounded
from flowrun.nodes.scrubbing import Scrubber

_TOLD_FIRST = ("name", "description", "parameters")
_TOLD_MODEL = 32_768
"""Characters of a result that the model is told."""
_TOLD_OUTPUT = 2_000
"""Characters of a result that the node's output shows."""
_LONGEST_NAME = 64
"""Characters; that of a tool that there isn't may be longer."""


class WrongCallError(Exception):
    """The model called what there isn't, or with arguments that don't fit; it is told, and may try again."""


class Tool(Protocol):
    """Something that a model may call. Another kind of tool is another class, with its name in `KINDS`."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The tool's checked params: `name`, `description`, `parameters`, and what its kind has beside."""

    async def call(self, arguments: JsonObject, idempotency_key: str) -> JsonValue:
        """Do it, with arguments that fit the schema; gives what the model is told.

        A failure that the model may work around is a value too. Raises `AgentError` when the turn must end.
        """


KINDS: dict[str, Callable[[Mapping[str, Any], NodeJob, Services], Tool]] = {
    "http": HttpTool,
    "code": CodeTool,
    "workflow": WorkflowTool,
}


@dataclass(slots=True)
class Toolbox:
    """The tools of one turn, and what became of each call."""

    tools: dict[str, Tool]
    scrubber: Scrubber
    turn_key: str
    log: Callable[[str], None]
    record: list[JsonValue] = field(default_factory=list)
    """One entry per call, as the node's output shows it."""
    _repeats: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, job: NodeJob, services: Services, scrubber: Scrubber) -> Toolbox:
        """Make the tools that a node's params describe."""
        params: Any = job.params["tools"]
        tools = {one["name"]: KINDS[one["type"]](one, job, services) for one in params}
        return cls(tools, scrubber, job.idempotency_key, job.log)

    def definitions(self) -> list[JsonValue]:
        """Say the tools as the model's endpoint wants them."""
        return [
            {
                "type": "function",
                "function": {name: tool.params[name] for name in ("name", "description", "parameters")},
            }
            for tool in self.tools.values()
        ]

    async def run(self, calls: Sequence[ToolCall]) -> list[JsonValue]:
        """Run the calls of one answer; gives the messages that tell the model. Raises `AgentError`."""
        results = await asyncio.gather(*(self._result(call) for call in calls))
        fatal = next((result for result in results if isinstance(result, AgentError)), None)
        if fatal is not None:
            raise fatal
        messages: list[JsonValue] = []
        for call, result in zip(calls, results, strict=True):
            text = orjson.dumps(result).decode()
            self.record.append({"name": call.name, "arguments": _shown(call), "result": _cut(text, _TOLD_OUTPUT)})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": _cut(text, _TOLD_MODEL)})
        return messages

    async def _result(self, call: ToolCall) -> JsonValue | AgentError:
        try:
            tool, arguments = self._understood(call)
        except WrongCallError as error:
            self.log(f"The model calls {call.name[:_LONGEST_NAME]} in a wrong way, and is told so")
            return {"error": str(error)}
        key = self._key(call.name, arguments)
        self.log(f"Tool {call.name} is called")
        begun = asyncio.get_running_loop().time()
        try:
            result = bounded(Completed(await tool.call(arguments, key)))
        except AgentError as error:
            return error
        told: JsonValue = {"error": "the result is too long, or too deep"}
        if isinstance(result, Completed):
            told = result.output
        how = "failed" if isinstance(told, dict) and "error" in told else "answered"
        self.log(f"Tool {call.name} {how} after {asyncio.get_running_loop().time() - begun:.2f} s")
        return self.scrubber.value(told)

    def _understood(self, call: ToolCall) -> tuple[Tool, JsonObject]:
        """Return the tool and the arguments that fit it. Raises `WrongCallError`."""
        tool = self.tools.get(call.name)
        if tool is None:
            raise WrongCallError(f"there is no tool {call.name}; there are {', '.join(self.tools) or 'none'}")
        try:
            arguments = read_json(call.arguments.encode())
        except json.JSONDecodeError as error:
            raise WrongCallError(f"the arguments are not JSON: {error.msg}") from None
        if not isinstance(arguments, dict) or isinstance(bounded(Completed(arguments)), Failed):
            raise WrongCallError("the arguments must be an object, and not nested too deep")
        if problems := value_problems(tool.params["parameters"], arguments):
            raise WrongCallError(f"the arguments do not fit: {'; '.join(problems)}")
        return tool, arguments

    def _key(self, name: str, arguments: JsonObject) -> str:
        """The same for the same call in a later attempt, so that its receiver can tell that it has had it."""
        content = orjson.dumps([name, arguments], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(content).hexdigest()[:16]
        self._repeats[digest] += 1
        return f"{self.turn_key}:{name}:{digest}:{self._repeats[digest]}"


def _shown(call: ToolCall) -> JsonValue:
    try:
        return read_json(call.arguments[:_TOLD_OUTPUT].encode())
    except json.JSONDecodeError:
        return call.arguments[:_TOLD_OUTPUT]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} […]"
