"""Sees to it that the execution which a node has called does what its caller wants: runs, pauses, or stops."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from flowrun.commands.start_called import CALLS, Call, call_prefix, start_once
from flowrun.domain import facts as f
from flowrun.domain.calls import awaited_by, call_name, wish_of
from flowrun.domain.emission import chain_depth
from flowrun.domain.execution import Execution, RunKey
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.states import ACTIVE_NODE
from flowrun.errors import ConflictError, FlowrunError, NotFoundError, TooManyRequestsError, UnavailableError, in_full
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context


@dataclass(frozen=True, slots=True)
class _Caller:
    """What is to be known of a run that calls, and of its execution."""

    id: str
    tenant_id: str
    key: RunKey
    depth: int
    retried: bool
    wish: f.Wish
    call: str | None
    """The name of the run's call; None when the run is gone."""
    held: bool
    """A worker has the run."""
    called: str | None
    asked: JsonObject | None
    """What is to be called."""


def _caller(execution: Execution, key: RunKey) -> _Caller:
    run = execution.runs.get(key)
    asked = run.output if run is not None and isinstance(run.output, dict) else None
    return _Caller(
        execution.id,
        execution.tenant_id,
        key,
        chain_depth(execution.trigger),
        execution.retried,
        wish_of(execution, run),
        None if run is None else call_name(run),
        run is not None and run.status in ACTIVE_NODE,
        None if run is None else run.called,
        asked,
    )


async def follow(context: Context, execution_id: str, key: RunKey | None) -> None:
    """Do it and tell the caller, in whose transaction the timer goes; what is done twice has the same effect."""
    caller = await context.engine.read(execution_id, partial(_caller, key=key or ("", "")))
    if caller.wish is f.Wish.STOP:
        # A worker may have it again, and have called anew.
        await _stop(context, caller, but=caller.call if caller.held else None)
        answer = f.CallAnswered(caller.key, None, fulfilled=caller.wish)
    else:
        if caller.retried:
            await _stop(context, caller, but=caller.call)
        answer = await _steer(context, caller)
    await context.engine.tell(None, execution_id, answer)


async def _steer(context: Context, caller: _Caller) -> f.CallAnswered:
    wish = caller.wish
    if caller.called is not None:
        by = f"execution {caller.id}"
        await _tell(context, caller.called, f.Resume(by) if wish is f.Wish.RUN else f.Pause(by, "its caller is paused"))
    elif wish is f.Wish.RUN and caller.asked is not None:
        return await _start(context, caller, caller.asked)
    return f.CallAnswered(caller.key, None, fulfilled=wish, call=caller.call)


async def _start(context: Context, caller: _Caller, asked: JsonObject) -> f.CallAnswered:
    call = Call(
        tenant_id=caller.tenant_id,
        workflow_id=str(asked["workflow_id"]),
        input=asked["input"],
        execution_id=caller.id,
        run=caller.key,
        depth=caller.depth + 1,
        name=str(caller.call),
        wait=bool(asked["wait"]),
    )
    try:
        called = await start_once(context, call)
    except (UnavailableError, TooManyRequestsError):
        raise  # The timer stands, and fires again.
    except FlowrunError as error:
        refused = Failed("workflow_not_started", in_full(error))
        return f.CallAnswered(caller.key, refused, fulfilled=f.Wish.RUN, call=caller.call)
    done: JsonObject = {"execution_id": called, "workflow_id": asked["workflow_id"]}
    outcome = None if asked["wait"] else Completed(done)
    return f.CallAnswered(caller.key, outcome, called, f.Wish.RUN, caller.call)


async def _stop(context: Context, caller: _Caller, but: str | None = None) -> None:
    """Cancel what the node has called and waited for, `but` for the call, or the run's calls, that it still waits for.

    It is looked for by the name of the call: the caller may have stopped before it was told, and the run may be gone
    with its iteration.
    """
    table, prefix = t.idempotency_keys, call_prefix(caller.id, caller.key)
    calls = await context.reader.all(
        select(table.c.key, table.c.response).where(
            table.c.tenant_id == caller.tenant_id,
            table.c.scope == CALLS,
            table.c.key >= prefix,
            table.c.key < prefix + ";",  # Digits follow, and `;` is behind them.
        )
    )
    for call in calls:
        name = call["key"].removeprefix(prefix)
        if but is not None and name.partition(":")[0] == but:
            continue
        called_id = str(load(call["response"])["execution_id"])
        with suppress(NotFoundError):  # It has ended, and its time in the database is over.
            if awaited_by((await context.engine.look(called_id)).trigger) is not None:
                await _tell(context, called_id, f.Cancel(f"execution {caller.id}", "its caller has stopped"))


async def _tell(context: Context, called_id: str, fact: f.Fact) -> None:
    with suppress(ConflictError, NotFoundError):  # It has ended meanwhile.
        await context.engine.tell(None, called_id, fact)
