"""What the stand-in refuses, as a real endpoint would: a chat completion request that isn't one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_TOOL_CHOICES = frozenset({"auto", "none", "required"})


def request_problem(body: object) -> str | None:
    """Return the first thing that is wrong with the body of a request; None when it is right."""
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    for name, check in _FIELDS.items():
        problem = check(body.get(name))
        if problem is not None:
            return f"{name}: {problem}"
    return None


def last_user_text(body: Mapping[str, Any]) -> str:
    """Return what the user said last."""
    texts = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return _plain(texts[-1]) if texts else ""


def _plain(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _model(value: object) -> str | None:
    return None if isinstance(value, str) and value else "is required"


def _messages(value: object) -> str | None:
    if not isinstance(value, list) or not value:
        return "must be a list with at least one message"
    waiting: set[str] = set()
    for number, message in enumerate(value):
        problem = _message(message, waiting)
        if problem is not None:
            return f"[{number}] {problem}"
    return f"the tool call {min(waiting)} has not been answered" if waiting else None


def _message(message: object, waiting: set[str]) -> str | None:
    """Check a message against the tool calls that wait for an answer, and note those that it makes or answers."""
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return f"must have a role: {', '.join(sorted(_ROLES))}"
    if message["role"] == "tool":
        if message.get("tool_call_id") not in waiting:
            return "answers no tool call of the message before it"
        waiting.discard(message["tool_call_id"])
    elif waiting:
        return f"comes before the tool call {min(waiting)} has been answered"
    calls = message.get("tool_calls") or []
    if not isinstance(message.get("content"), str | list) and not calls:
        return "must have a content: a text or a list"
    return _calls(calls, waiting)


def _calls(calls: object, waiting: set[str]) -> str | None:
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("arguments"), str) or not call.get("id"):
            return "tool_calls must have an id, and a function with a name and arguments as text"
        waiting.add(call["id"])
    return None


def _tools(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        return "must be a list with at least one tool, or be left out"
    for number, tool in enumerate(value):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict) or not function.get("name"):
            return f"[{number}] must be {{type: function, function: {{name, …}}}}"
        if not isinstance(function.get("parameters", {}), dict):
            return f"[{number}].function.parameters must be a JSON Schema"
    return None


def _tool_choice(value: object) -> str | None:
    return None if value is None or isinstance(value, dict) or value in _TOOL_CHOICES else "is unknown"


def _response_format(value: object) -> str | None:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in {"text", "json_object", "json_schema"}:
        return "must have a type: text, json_object or json_schema"
    described = value.get("json_schema") if isinstance(value, dict) else None
    if kind == "json_schema" and not (isinstance(described, dict) and described.get("name")):
        return "needs json_schema: {name, schema}"
    schema = described.get("schema") if isinstance(described, dict) else None
    if kind == "json_schema" and not (isinstance(schema, dict) and schema.get("type") == "object"):
        return "must have a schema of type object"
    return None


def _temperature(value: object) -> str | None:
    return None if value is None or (isinstance(value, int | float) and 0 <= value <= 2) else "must be 0 to 2"


def _stream(value: object) -> str | None:
    return "is not supported by the stand-in" if value else None


_FIELDS: Mapping[str, Callable[[object], str | None]] = {
    "model": _model,
    "messages": _messages,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "temperature": _temperature,
    "stream": _stream,
}
