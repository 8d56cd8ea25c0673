"""Tells the node that called a workflow of that workflow's end."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from sqlalchemy import Connection

from flowrun.domain.execution import Execution, RunKey
from flowrun.domain.facts import CallAnswered, TimerKind
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


async def follow(context: Context, execution_id: str, _key: RunKey | None) -> None:
    """Tell it, then let the timer go: told twice, the second time changes nothing."""
    called = await context.engine.look(execution_id)
    caller = called.trigger.get("caller")
    if isinstance(caller, dict):
        key = (str(caller["node_id"]), str(caller["iteration"]))
        name = caller.get("call")
        answer = CallAnswered(key, _outcome(called), call=name if isinstance(name, str) else None)
        with suppress(NotFoundError):  # Then the caller is gone, and nobody waits.
            await context.engine.tell(None, str(caller["execution_id"]), answer)
    await context.writer.transact(partial(_remove_timer, execution_id))


def _outcome(called: Execution) -> Completed | Failed:
    if called.status is ExecutionStatus.COMPLETED:
        return Completed(called.output)
    message = f"The workflow {called.graph.workflow_id} ended as {called.status.value.replace('_', ' ')}"
    details: JsonObject = {"execution_id": called.id, "status": called.status.value, "error": called.error}
    return Failed("workflow_failed", message, details=details)


def _remove_timer(execution_id: str, connection: Connection) -> None:
    timer = t.timers
    connection.execute(
        timer.delete().where(timer.c.execution_id == execution_id, timer.c.kind == TimerKind.ANSWER.value)
    )
