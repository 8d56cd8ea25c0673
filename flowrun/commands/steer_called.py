"""Sees to it that the execution which a node has called does what its caller wants: runs, pauses, or stops."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select

from flowrun.commands.start_called import CALLS, call_prefix, start_called
from flowrun.domain import facts as f
from flowrun.domain.calls import awaited_by, call_name, wish_of
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.states import ACTIVE_NODE
from flowrun.errors import ConflictError, FlowrunError, NotFoundError, TooManyRequestsError, UnavailableError, in_full
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load
from flowrun.ports import Context


async def follow(context: Context, execution_id: str, key: RunKey | None) -> None:
    """Do it and tell the caller, in whose transaction the timer goes; what is done twice has the same effect."""
    key = key or ("", "")
    caller = await context.engine.look(execution_id)
    run = caller.runs.get(key)
    wish = wish_of(caller, run)
    if run is None or wish is f.Wish.STOP:
        # A worker may have it again, and have called anew.
        now = call_name(run) if run is not None and run.status in ACTIVE_NODE else None
        await _stop(context, caller, key, but=now)
        answer = f.CallAnswered(key, None, fulfilled=wish)
    else:
        if caller.retried:
            await _stop(context, caller, key, but=call_name(run))
        answer = await _steer(context, caller, run, wish)
    await context.engine.tell(None, execution_id, answer)


async def _steer(context: Context, caller: Execution, run: NodeRun, wish: f.Wish) -> f.CallAnswered:
    if run.called is not None:
        by = f"execution {caller.id}"
        await _tell(context, run.called, f.Resume(by) if wish is f.Wish.RUN else f.Pause(by, "its caller is paused"))
    elif wish is f.Wish.RUN and isinstance(run.output, dict):
        return await _start(context, caller, run, run.output)
    return f.CallAnswered(run.key, None, fulfilled=wish, call=call_name(run))


async def _start(context: Context, caller: Execution, run: NodeRun, asked: JsonObject) -> f.CallAnswered:
    try:
        called = await start_called(context, caller, run, asked)
    except (UnavailableError, TooManyRequestsError):
        raise  # The timer stands, and fires again.
    except FlowrunError as error:
        refused = Failed("workflow_not_started", in_full(error))
        return f.CallAnswered(run.key, refused, fulfilled=f.Wish.RUN, call=call_name(run))
    done: JsonObject = {"execution_id": called, "workflow_id": asked["workflow_id"]}
    outcome = None if asked["wait"] else Completed(done)
    return f.CallAnswered(run.key, outcome, called, f.Wish.RUN, call_name(run))


async def _stop(context: Context, caller: Execution, key: RunKey, but: str | None = None) -> None:
    """Cancel what the node has called and waited for, `but` for the call, or the run's calls, that it still waits for.

    It is looked for by the name of the call: the caller may have stopped before it was told, and the run may be gone
    with its iteration.
    """
    table, prefix = t.idempotency_keys, call_prefix(caller.id, key)
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
