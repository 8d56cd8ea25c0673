"""Chains and fan-outs of DBOS steps that do nothing: `python bench.py engine DATABASE EXECUTIONS` prints the figures,
`python bench.py serve DATABASE PORT` answers POST /hook after a workflow of two steps.

Workflows are called in the process that runs them, which is DBOS's quickest way: nothing is polled for.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from dbos import DBOS, DBOSConfig
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TRIGGER = {"order": 4211, "items": [{"sku": "a-1", "qty": 2}], "note": "x" * 40}


@DBOS.step()
async def step(given: Any) -> Any:
    """Hand the input on."""
    return given


@DBOS.step()
async def shape(given: Any) -> Any:
    """What the webhook's workflow does."""
    return {"order": given["order"], "count": len(given["items"])}


@DBOS.workflow()
async def chain(given: Any) -> Any:
    """Ten steps."""
    for _ in range(10):
        given = await step(given)
    return given


@DBOS.workflow()
async def fan(given: Any) -> int:
    """A hundred steps at once, and a join."""
    return len(await asyncio.gather(*(step(given) for _ in range(100))))


@DBOS.workflow()
async def answer(given: Any) -> Any:
    """The webhook's two steps."""
    return await step(await shape(given))


async def alone(work: Callable[[Any], Awaitable[Any]], repetitions: int) -> float:
    """Median milliseconds."""
    taken = []
    for _ in range(repetitions):
        began = time.perf_counter()
        await work(TRIGGER)
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 2)


async def engine(executions: int) -> dict[str, float]:
    """All figures of the engine."""
    await asyncio.gather(*(chain(TRIGGER) for _ in range(min(executions, 50))))
    began = time.perf_counter()
    await asyncio.gather(*(chain(TRIGGER) for _ in range(executions)))
    rate = executions * 10 / (time.perf_counter() - began)
    return {
        "chain_steps_per_s": round(rate),
        "chain_alone_ms": await alone(chain, 30),
        "fan_out_100_ms": await alone(fan, 10),
    }


def serve(port: int) -> None:
    """Serve until told to end."""

    async def hook(request: Request) -> JSONResponse:
        return JSONResponse(await answer(await request.json()))

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def main(what: str, database: str, argument: str) -> None:
    """Measure, or serve."""
    DBOS(config=DBOSConfig(name="bench", system_database_url=f"sqlite:///{database}", log_level="ERROR"))
    DBOS.launch()
    if what == "serve":
        serve(int(argument))
    else:
        print(json.dumps(asyncio.run(engine(int(argument)))))
    DBOS.destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
