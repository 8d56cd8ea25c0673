"""The stand-in's HTTP server, on loopback: reads requests, checks them, and answers as its script says."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import responses
from types import TracebackType
from typing import Any, Self

import orjson

from flowrun.nodes.agent.stub.checks import last_user_text, request_problem
from flowrun.nodes.agent.stub.script import Script, Step

_LARGEST = 1 << 24


@dataclass(slots=True)
class Seen:
    """A request that came in, and the status that it got; 0 while it has none."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int = 0


@dataclass(slots=True)
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class LlmStub:
    """Serves while it is entered; `seen` has every request. With an `api_key` it refuses requests without it."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        port: int = 0,
        api_key: str | None = None,
        noted: Callable[[Seen], None] | None = None,
    ) -> None:
        self.script = script or Script()
        self.seen: list[Seen] = []
        self._given_port = port
        self._api_key = api_key
        self._noted = noted
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._given_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def url(self) -> str:
        """The `base_url` of an agent that is to talk to it. Raises `RuntimeError` before it serves."""
        if self._server is None:
            raise RuntimeError("the stand-in isn't running")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is this coroutine's
        self._connections.add(task)
        # Whoever asked may go, or not speak HTTP; what is under way may be cancelled at the end.
        gone = (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)
        try:
            with contextlib.suppress(*gone):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read(reader)
        self.seen.append(request)
        answer = await self._answer(request)
        if answer is None:
            return False
        request.status = answer.status
        if self._noted is not None:
            self._noted(request)
        lines = [
            f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}",
            f"Content-Length: {len(answer.body)}",
        ]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
        await writer.drain()
        return request.headers.get("connection", "").lower() != "close"

    async def _answer(self, request: Seen) -> _Answer | None:
        refused = self._refused(request)
        if refused is not None:
            return refused
        if request.path == "/v1/models":
            return _json(200, {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "flowrun"}]})
        step = self.script.next(last_user_text(request.body))
        await asyncio.sleep(step.delay)
        if step.hang:
            await asyncio.Event().wait()
        if step.disconnect:
            return None
        extra = {"Retry-After": f"{step.retry_after:g}"} if step.retry_after is not None else {}
        if step.raw is not None:
            return _Answer(step.status, step.raw.encode(), extra | {"Content-Type": "application/json"})
        if step.status != 200:
            return _error(step.status, step.error, extra)
        self._count += 1
        return _json(200, _completion(step, request.body, self._count))

    def _refused(self, request: Seen) -> _Answer | None:
        wanted = {"/v1/chat/completions": "POST", "/v1/models": "GET"}.get(request.path)
        if wanted is None:
            return _error(404, f"there is no {request.path}")
        if request.method != wanted:
            return _error(405, f"{request.path} takes {wanted}", {"Allow": wanted})
        given = request.headers.get("authorization", "")
        if self._api_key is not None and not hmac.compare_digest(given.encode(), f"Bearer {self._api_key}".encode()):
            # Real endpoints repeat the key that was wrong, which is what its owner must not show on.
            return _error(401, f"Incorrect API key provided: {given.removeprefix('Bearer ') or 'none'}")
        if wanted == "GET":
            return None
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _error(415, "the content type must be application/json")
        problem = request_problem(request.body)
        return _error(400, problem) if problem is not None else None


async def _read(reader: asyncio.StreamReader) -> Seen:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = int(headers.get("content-length", 0))
    if length > _LARGEST:
        raise ValueError("the body is too long")
    raw = await reader.readexactly(length)
    method, target, _ = first.split(" ")
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = raw.decode("utf-8", "replace")
    return Seen(method, target.partition("?")[0], headers, body)


def _completion(step: Step, request: dict[str, Any], number: int) -> dict[str, Any]:
    """Make the document of an answer as OpenAI documents it."""
    calls = [
        {
            "id": f"call_{number}_{position}",
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": call.arguments
                if isinstance(call.arguments, str)
                else orjson.dumps(call.arguments).decode(),
            },
        }
        for position, call in enumerate(step.tool_calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": _content(step, request), "refusal": step.refusal}
    if calls:
        message["tool_calls"] = calls
    finish = step.finish_reason or ("tool_calls" if calls else "stop")
    document: dict[str, Any] = {
        "id": f"chatcmpl-stub-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
    }
    if step.usage is not None:
        sent, made = step.usage.input_tokens, step.usage.output_tokens
        document["usage"] = {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made}
    return document


def _content(step: Step, request: dict[str, Any]) -> str | None:
    if step.data is not None:
        return _as_text(step.data)
    if step.text is None and not step.tool_calls and step.refusal is None:
        return f"You said: {last_user_text(request)}"
    return step.text


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _json(status: int, document: object, headers: dict[str, str] | None = None) -> _Answer:
    return _Answer(status, orjson.dumps(document), (headers or {}) | {"Content-Type": "application/json"})


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> _Answer:
    error = {"message": message, "type": "stub_error", "param": None, "code": None}
    return _json(status, {"error": error}, headers)
