"""Types that the engine runs itself and that last: waits, calls and loops."""

from __future__ import annotations

import asyncio

from contract.nodes.cases.case import Check, EngineCase, Failure, Scene, Success, Wait
from support.manual_clock import ManualClock
from support.runtime import PATIENCE, Bench

from flowrun.domain.facts import Signal
from flowrun.persistence import tables as t

NO_RETRY = {Check.RETRY: "the engine runs it; what it waits for has retries of its own"}
ROUND = "t -> n; n -each-> b; n -done-> z"
SLOW_BODY = 'b: delay {"for": "1h"}'


async def _signal(b: Bench, execution_id: str, _clock: ManualClock) -> None:
    await b.engine.tell("acme", execution_id, Signal("n", {"paid": True}))


async def _called_one_ends(b: Bench, _execution_id: str, clock: ManualClock) -> None:
    table = t.executions
    waits = table.select().where(table.c.workflow_id == "slow", table.c.status == "waiting")
    async with asyncio.timeout(PATIENCE):
        while not await b.runtime.context.reader.all(waits):
            await b.runtime.context.writer.transact(lambda _connection: None)
    clock.advance(3600)


WAITING = (
    EngineCase(
        type="delay",
        succeeds=(Success(scene=Scene(params={"until": "2020-01-01T00:00:00Z"}, input=3), output=3),),
        fails=Failure(scene=Scene(params={"until": "{{ input }}"}, input="some day"), error="invalid_params"),
        waits=Wait(scene=Scene(params={"for": "1h"}, input=3), output=3),
        exempt=NO_RETRY,
    ),
    EngineCase(
        type="workflow",
        succeeds=(Success(scene=Scene(params={"workflow_id": "double"}, input=21), output=42),),
        fails=Failure(scene=Scene(params={"workflow_id": "nobody"}), error="workflow_not_started"),
        waits=Wait(scene=Scene(params={"workflow_id": "slow"}, input=21), output=21, wake=_called_one_ends),
        called={
            "double": 't -> d; d: transform {"value": "{{ input * 2 }}"}',
            "slow": 't -> d; d: delay {"for": "1h"}',
        },
        exempt=NO_RETRY,
    ),
    EngineCase(
        type="wait_for_signal",
        fails=Failure(scene=Scene(params={"timeout": "{{ input }}"}, input="soon"), error="invalid_params"),
        waits=Wait(scene=Scene(), wake=_signal, output=lambda out: out["data"] == {"paid": True}),
        exempt=NO_RETRY | {Check.SUCCESS: "it waits always: what it comes to is seen where it has waited"},
    ),
    EngineCase(
        type="for_each",
        succeeds=(
            Success(
                scene=Scene(
                    params={"items": "input"},
                    input=[1, 2],
                    graph=ROUND,
                    others='b: transform {"value": "{{ item * 2 }}"}',
                ),
                output=[2, 4],
            ),
        ),
        fails=Failure(
            scene=Scene(params={"items": "input"}, input=[1], graph=ROUND, others='b: fail {"type": "unlucky"}'),
            error="item_failed",
        ),
        waits=Wait(
            scene=Scene(params={"items": "input"}, input=[1], graph=ROUND, others=SLOW_BODY),
            output=[1],
            status="running",
        ),
        exempt=NO_RETRY,
    ),
    EngineCase(
        type="loop",
        succeeds=(
            Success(
                scene=Scene(
                    params={"condition": "input < 9"},
                    input=1,
                    graph=ROUND,
                    others='b: transform {"value": "{{ input * 2 }}"}',
                ),
                output=16,
            ),
        ),
        fails=Failure(
            scene=Scene(params={"condition": "input < 9"}, input="x", graph=ROUND, others="b: noop"),
            error="expression_error",
        ),
        waits=Wait(
            scene=Scene(params={"condition": "index < 1"}, input=1, graph=ROUND, others=SLOW_BODY),
            output=1,
            status="running",
        ),
        exempt=NO_RETRY,
    ),
)
