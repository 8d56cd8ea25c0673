"""One request to a model: the OpenAI chat completion that is sent, and the reply that is made of its answer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowrun import __version__
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.agent.providers import Place
from flowrun.nodes.http_body import excerpt, read_json
from flowrun.nodes.http_call import retry_after
from flowrun.nodes.http_client import HttpClient, HttpRequest, HttpResponse
from flowrun.nodes.scrubbing import Scrubber

_EXCERPT = 1000
_TRY_AGAIN = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for."""

    id: str
    name: str
    arguments: str
    """JSON, if the model got it right."""


@dataclass(slots=True)
class Reply:
    """What the model answered."""

    text: str
    calls: list[ToolCall]
    message: JsonObject
    """The message as the next request repeats it."""
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    refusal: str = ""
    """Why the model doesn't answer, in its words."""


@dataclass(slots=True)
class Chat:
    """A model's endpoint, and what every request of a turn to it has."""

    http: HttpClient
    place: Place
    api_key: str | None
    scrubber: Scrubber
    timeout: float
    fields: JsonObject = field(default_factory=dict)
    """What the body has beside the model and the messages."""

    async def ask(self, messages: list[JsonValue]) -> Reply:
        """Send the messages, and read the reply. Raises `AgentError` and `HttpError`."""
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "user-agent": f"flowrun/{__version__}",
        }
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key.strip()}"
        body = orjson.dumps({"model": self.place.model, "messages": messages} | self.fields)
        request = HttpRequest("POST", self.place.url, headers, body, timeout=self.timeout, follow_redirects=False)
        return self._read(await self.http.send(request))

    def _read(self, response: HttpResponse) -> Reply:
        if response.status != 200:
            raise self._refused(response, response.status)
        if response.truncated:
            raise AgentError("response_too_large", f"The model's answer is longer than {len(response.body)} bytes")
        try:
            document: Any = read_json(response.body)
        except json.JSONDecodeError:
            raise self._malformed("is no JSON", response) from None
        if isinstance(document, dict) and document.get("error") and not document.get("choices"):
            # Some gateways answer 200 and put the real status into the body.
            error = document["error"]
            code = error.get("code") if isinstance(error, dict) else None
            raise self._refused(response, code if isinstance(code, int) and 400 <= code < 600 else 502)
        try:
            return _reply(document)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise self._malformed("is no chat completion", response) from None

    def _refused(self, response: HttpResponse, status: int) -> AgentError:
        wait = retry_after(response.headers.get("retry-after"), time.time())
        if status == 429:
            kind, message, retryable = "rate_limited", "The model's endpoint has had too many requests (429)", True
        elif status >= 500 or status in _TRY_AGAIN:
            kind, message, retryable = "model_unavailable", f"The model's endpoint answered {status}", True
        elif status in {401, 403}:
            kind, message, retryable = "model_unauthorized", f"The model's endpoint refused the key ({status})", False
        else:
            kind, message, retryable = "model_rejected", f"The model's endpoint refused the request ({status})", False
        details: JsonObject = {"status": status, "body": self._shown(response)}
        return AgentError(kind, message, retryable=retryable, details=details, retry_after=wait)

    def _malformed(self, what: str, response: HttpResponse) -> AgentError:
        details: JsonObject = {"body": self._shown(response)}
        return AgentError("invalid_answer", f"The model's answer {what}", retryable=True, details=details)

    def _shown(self, response: HttpResponse) -> str:
        # Scrubbed before it is cut: half a key is still half a key.
        text = excerpt(response.body, response.headers.get("content-type", ""), _EXCERPT * 8)
        return self.scrubber.text(text)[:_EXCERPT]


def _reply(document: Any) -> Reply:  # noqa: ANN401 - whatever came
    choice = document["choices"][0]
    message = choice["message"]
    text = _text(message.get("content"))
    written: list[JsonValue] = []
    calls: list[ToolCall] = []
    for number, raw in enumerate(message.get("tool_calls") or ()):
        function = raw["function"]
        arguments = function.get("arguments") or "{}"
        if not isinstance(arguments, str):
            arguments = orjson.dumps(arguments).decode()
        call = ToolCall(str(raw.get("id") or f"call_{number}"), str(function["name"]), arguments)
        calls.append(call)
        # Kept whole: some providers want back what they put beside the function.
        written.append(raw | {"id": call.id, "type": "function", "function": function | {"arguments": arguments}})
    repeated: JsonObject = {"role": "assistant", "content": text or None if calls else text}
    if calls:
        repeated["tool_calls"] = written
    usage = document.get("usage") or {}
    sent, made = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    finish_reason, refusal = str(choice.get("finish_reason") or ""), str(message.get("refusal") or "")
    return Reply(text, calls, repeated, finish_reason, sent, made, refusal)


def _text(content: Any) -> str:  # noqa: ANN401
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")
