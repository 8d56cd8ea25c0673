"""Types that workers run, each against a real other side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from contract.nodes.cases.case import Check, Play, Stage, Stages, WorkerCase
from support.runtime import PATIENCE, Bench
from support.stand_in import Call, StandIn

from flowrun.commands.set_channel import SetChannel
from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.agent.stub.server import LlmStub

LOCAL = {"http_allow": ("127.0.0.1",)}


async def until(happened: Callable[[], bool]) -> None:
    """Return when something has happened elsewhere, in a thread or a process that can't tell us."""
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def running(worker: str, count: int):
    """Until so many attempts run at a worker."""

    async def wait(b: Bench) -> None:
        await until(lambda: b.runtime.dispatcher.lanes[worker].running == count)

    return wait


# --- http, and send, whose channel of the type `callback` is a plain request too


@contextmanager
def _served(play: Play, refusal: int, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """An address, and what a stage knows by the server there."""

    def answer(_call: Call) -> tuple[int, object, float]:
        if play is Play.BAD:
            return refusal, {"no": "such order"}, 0.0
        flaky = play is Play.FLAKY and len(service.calls) == 1
        return (503 if flaky else 200), {"ok": not flaky}, 0.0

    with StandIn(answer) as service:
        if play is Play.HANGS:
            service.hold("/orders")

        async def begun(_b: Bench) -> None:
            await until(lambda: len(service.calls) == 1)

        async def told() -> None:
            await until(lambda: len(service.hung_up) == 1)
            service.release("/orders")

        def keys() -> list[str]:
            return [call.headers[key] for call in service.calls]

        yield f"{service.url}/orders", {"begun": begun, "told": told, "keys": keys, "settings": LOCAL}


@asynccontextmanager
async def _http(play: Play) -> Stages:
    with _served(play, 404, "idempotency-key") as (url, known):
        yield Stage(params={"url": url, "method": "POST"}, **known)


@asynccontextmanager
async def _send(play: Play) -> Stages:
    with _served(play, 410, "webhook-id") as (url, known):

        async def prepare(b: Bench) -> None:
            credentials = {"url": url, "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
            await b.send(SetChannel(tenant_id="acme", name="shop", type="callback", credentials=credentials))

        yield Stage(params={"channel": "shop", "message": {"order": 7}}, prepare=prepare, **known)


# --- agent

_LOOK = {"tool_calls": [{"name": "look", "arguments": {}}]}
_SCRIPTS: dict[Play, list[Any]] = {
    Play.GOOD: [],
    Play.BAD: [{"status": 401}],
    Play.FLAKY: [_LOOK, {"status": 503}, _LOOK, {"text": "You said: hello"}],
    Play.HANGS: [{"hang": True}],
}


@asynccontextmanager
async def _agent(play: Play) -> Stages:
    with StandIn() as shop:
        async with LlmStub(Script.of(_SCRIPTS[play])) as llm:
            tool = {"name": "look", "description": "Looks.", "url": f"{shop.url}/look", "method": "POST"}

            async def begun(_b: Bench) -> None:
                await until(lambda: len(llm.seen) == 1)

            yield Stage(
                params={"model": "stub", "base_url": llm.url, "prompt": "hello", "tools": [tool]},
                begun=begun,
                keys=(lambda: [call.key for call in shop.calls]) if play is Play.FLAKY else None,
                settings=LOCAL,
            )


# --- code

_LASTS = 8
"""Seconds that code takes which is to be interrupted."""
_SLOW = "from datetime import datetime\nwhile datetime.now().timestamp() < until:\n    pass\nreturn 42"


@asynccontextmanager
async def _code(play: Play) -> Stages:
    params: dict[str, Any] = {"source": "raise ValueError('no')" if play is Play.BAD else "return 42"}
    if play is Play.HANGS:
        params = {"source": _SLOW, "inputs": {"until": time.time() + _LASTS}}
    with pytest.MonkeyPatch.context() as patch:

        async def prepare(_b: Bench) -> None:
            patch.setenv("MONTY_BIN", "/nowhere/monty")  # The sandbox can't be started …

        yield Stage(
            params=params,
            begun=running("agent", 1),
            prepare=prepare if play is Play.FLAKY else None,
            recover=patch.undo,  # … and now it can.
        )


# --- respond


@asynccontextmanager
async def _respond(play: Play) -> Stages:
    status = "{{ input }}" if play is Play.BAD else 201
    yield Stage(params={"status": status, "body": {"id": 7}}, input="no status")


_AT_ONCE = "it only hands the answer over: nothing in it lasts or could fail a second time otherwise"

WORKERS = (
    WorkerCase(type="http", stage=_http, output=lambda out: out["body"] == {"ok": True}, error="http_status"),
    WorkerCase(
        type="agent", stage=_agent, output=lambda out: out["text"] == "You said: hello", error="model_unauthorized"
    ),
    WorkerCase(type="send", stage=_send, output=lambda out: out["response"] == {"status": 200}, error="endpoint_gone"),
    WorkerCase(type="code", stage=_code, output=lambda out: out == 42, error="code_error"),
    WorkerCase(
        type="respond",
        stage=_respond,
        output=lambda out: (out["status"], out["body"]) == (201, {"id": 7}),
        error="invalid_params",
        exempt=dict.fromkeys((Check.RETRY, Check.TIMEOUT, Check.CANCEL), _AT_ONCE),
    ),
)
